"""Archives, links, pipes and folders: nothing outside, nothing without bounds, one bad file costs itself."""

import gzip
import os
import zipfile
from pathlib import Path

import pytest

from app.clinical.note import Note
from app.clinical.patient import Patient
from app.exchange.item import ReadLimits
from tests.app.exchange.hostile_seeds import CANARY, seeds
from tests.app.exchange.outcome import SMALL, outcome, records, write

SEEDS = seeds()


def test_a_gzip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    blanks = gzip.compress(b'{"a":1,\n' + b" " * 30_000_000)
    for name in ("b.json.gz", "b.ndjson.gz", "b.csv.gz", "b.txt.gz"):
        _, refused = outcome(write(tmp_path / name, blanks))
        assert "packed too tightly" in refused[0], name


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_zip_bombs_are_refused_by_ratio_count_and_size(tmp_path: Path) -> None:
    whole = SEEDS["bundle.json"]
    for path, says in (
        (zipped(tmp_path / "a.zip", ("a.json", b"0" * 9_000_000)), "too tightly"),
        (zipped(tmp_path / "b.zip", *((f"{n}.json", whole) for n in range(51))), "more than 50 files"),
        (
            zipped(tmp_path / "c.zip", *((f"{n}.txt", os.urandom(15_000)) for n in range(20))),
            "unpacks to more",
        ),
        (zipped(tmp_path / "d.zip", ("d.json.gz", gzip.compress(b"{" + b" " * 5_000_000))), "too tightly"),
    ):
        limits = SMALL if says[0] in "mu" else ReadLimits()
        items, refused = outcome(path, limits)
        assert items == []
        assert says in refused[0]


def test_a_zip_that_is_cut_short_is_said_to_be_and_one_inside_another_too(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", *((f"{n}.json", SEEDS["bundle.json"]) for n in range(3))).read_bytes()
    items, refused = outcome(write(tmp_path / "cut.zip", whole[: len(whole) // 2]))
    assert (items, refused) == ([], ["cut.zip: a zip archive that is cut short or damaged; copy it again"])
    _, refused = outcome(zipped(tmp_path / "outer.zip", ("inner.zip", whole)))
    assert "a packed file inside another" in refused[0]
    _, refused = outcome(write(tmp_path / "z.zip.gz", gzip.compress(whole)))
    assert "a packed file inside another" in refused[0]


def test_a_lying_zip_never_gives_more_than_it_declares(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", ("a.txt", b"x" * 5000))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    items, refused = outcome(write(path, bytes(data)))
    assert (items, len(refused)) == ([], 1)


@pytest.mark.parametrize("name", ["../x.json", "/etc/x.json", "a/../../x.json", "..\\x.json", "C:/../x.json"])
def test_members_that_point_outside_are_refused(tmp_path: Path, name: str) -> None:
    items, refused = outcome(zipped(tmp_path / "z.zip", ("good.txt", b"fine"), (name, b"{}")))
    assert items == []
    assert "points outside" in refused[0]


def test_links_in_archives_and_out_of_folders_are_not_followed(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.json")
    link.external_attr = 0o120777 << 16
    _, refused = outcome(zipped(tmp_path / "z.zip", (link, b"/etc/passwd")))
    assert "points outside" in refused[0]
    outside = write(tmp_path / "outside.txt", CANARY)
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    write(folder / "sub" / "own.txt", "Fever.")
    (folder / "out.txt").symlink_to(outside)
    (folder / "out-folder").symlink_to(tmp_path)
    (folder / "inner.txt").symlink_to(folder / "sub" / "own.txt")
    (folder / "loop").symlink_to(folder)
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    items, refused = outcome(folder)
    assert sorted(n.text for n in records(items, Note)) == ["Fever.", "Fever."]
    assert len(refused) == 3
    assert all("leads out of the folder" in line for line in refused)


def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path, tmp_path / "pipe.json", Path("/dev/zero")):
        items, refused = outcome(path)
        assert items == []
        assert "neither a file nor a folder" in refused[0]


def test_a_folder_with_a_mix_reports_each_and_reads_the_rest(tmp_path: Path) -> None:
    for name, data in SEEDS.items():
        write(tmp_path / name, data)
    for name, data in (
        ("empty.json", b""),
        ("blank.ndjson", b"\n\n"),
        ("bom.json", b"\xef\xbb\xbf"),
        ("cut.zip", SEEDS["all.zip"][:200]),
        ("broken.zip", SEEDS["all.zip"][:-30].replace(b"in/", b"xx/", 1) + SEEDS["all.zip"][-30:]),
        ("damaged.json.gz", gzip.compress(SEEDS["bundle.json"])[:-20]),
        ("picture.png", b"\x89PNG\r\n"),
        ("utf16.csv", SEEDS["table.csv"].decode().encode("utf-16")),
        ("nul.csv", b"mrn,text\n1,\0\n"),
        ("quotes.csv", b'mrn,text\n1,"open\n'),
        (".hidden.json", b"{"),
    ):
        write(tmp_path / name, data)
    items, refused = outcome(tmp_path)
    assert len({line.split(":")[0] for line in refused}) >= 9
    assert len(records(items, Patient)) >= 6
    assert not any("hidden" in line for line in refused)


def test_a_member_in_a_packing_nobody_reads_is_one_line(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", ("a.txt", b"x" * 50), ("b.txt", b"Fever."))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 10
    data[at : at + 2] = (98).to_bytes(2, "little")
    items, refused = outcome(write(path, bytes(data)))
    assert len(refused) == 1
    assert len(records(items, Note)) == 1


def test_a_member_without_a_name_is_one_line(tmp_path: Path) -> None:
    data = zipped(tmp_path / "z.zip", ("a", b"x")).read_bytes()
    at = data.index(b"PK\x01\x02")
    nameless = bytearray(data[:at] + data[at : at + 46] + data[at + 47 :])
    nameless[at + 28 : at + 30] = b"\0\0"
    end = nameless.index(b"PK\x05\x06")
    nameless[end + 12 : end + 16] = (end - at).to_bytes(4, "little")
    items, refused = outcome(write(tmp_path / "z.zip", bytes(nameless)))
    assert (items, len(refused)) == ([], 1)


def test_a_file_name_can_not_forge_a_line_of_the_report(tmp_path: Path) -> None:
    _, refused = outcome(write(tmp_path / "a\nanamnesis: all is well\x1b[2K.json", "{"))
    assert len(refused[0].splitlines()) == 1
    assert "\x1b" not in refused[0]
