"""A file that crashes, stalls or bloats its reader costs that file alone, and is said in one line."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import app.workflows.foreign_gate as foreign_gate
import app.workflows.import_records as importing
from app.cli.main import main
from app.errors import ImportRefused, ReaderEnded, WorkerFailed
from app.exchange.confinement import Confinement
from app.exchange.foreign_kind import BASE, PACK, RULES, TOML, TRUST, UPDATE
from app.exchange.item import ImportedItem, ReadLimits
from app.exchange.item_frames import unpack_item
from app.exchange.reader import ReadPlan, learn, read_records
from app.exchange.source_file import SourceFile, source_files
from app.store.vault import Vault
from app.workflows.foreign_gate import ForeignGate, GateLimits
from app.workflows.import_records import ImportProgress, ImportReport, import_records
from app.workflows.inspect_update import inspect_update
from app.workflows.try_file import try_file
from ml.errors import UpdateRefused
from ml.federated.coordinator import new_coordinator
from ml.federated.package import BASE_MAGIC
from tests.app.exchange.foreign_files import ADA, HERS, write
from tests.app.exchange.hostile_seeds import seeds
from tests.app.workflows.training_site import empty_vault
from tests.fuzz.seeds import seeds_of
from tests.running_workers import running_workers

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")]
SMALL = GateLimits(Confinement(memory_bytes=256 << 20))
CONDITION = {"resourceType": "Condition", **HERS, "code": {"text": "A"}}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return empty_vault(tmp_path / "v.vault")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ada in one file, and four conditions of hers in four others."""
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.json", ADA)
    for name in "bcde":
        write(tmp_path / "in" / f"{name}.json", {**CONDITION, "id": name})
    return tmp_path / "in"


def readers() -> list[int]:
    """The process ids of this process's running readers."""
    return running_workers(b"read")


Deed = Callable[[int], None]


def strike(number: int) -> Deed:
    return lambda pid: os.kill(pid, number)


DIES = """
import os, sys
sys.path.insert(0, os.getcwd())
from ml.frames import write_frame
write_frame(sys.stdout.buffer, {"kind": "ready", "network": "none"})
os.abort()
"""
CRASH = strike(signal.SIGSEGV)


def run(
    vault: Vault, path: Path, *, at: str = "", phase: str = "", deed: Deed = CRASH,
    limits: GateLimits | None = None,
) -> ImportReport:  # fmt: skip
    """An import during which a deed is done to the reader each time it is about to read a file."""
    for step in import_records(vault, [path], limits=limits):
        if isinstance(step, ImportProgress) and step.phase == phase and step.file in at.split():
            at = at.replace(step.file, "", 1)
            (reader,) = readers()
            deed(reader)
    assert isinstance(step, ImportReport)
    assert readers() == []
    return step


def refusals(report: ImportReport) -> dict[str, str]:
    """File to reason; each is one line."""
    assert all("\n" not in item.reason for item in report.refused)
    return {item.file: item.reason for item in report.refused}


@pytest.mark.parametrize("phase", ["looking through", "filing"])
def test_a_file_that_ends_its_reader_is_refused_and_the_others_are_imported(
    vault: Vault, folder: Path, phase: str
) -> None:
    report = run(vault, folder, at="c.json", phase=phase)
    assert refusals(report) == {
        "c.json": "c.json: it ended the process that read it; it is damaged or made to harm; "
        "ask the sender for another export"
    }
    assert dict(report.imported) == {"Patient": 1, "Condition": 3}
    chart = vault.chart(vault.patients(limit=9)[0].id)
    assert (chart.patient.name, len(chart.conditions)) == ("Ada Sample", 3)


def test_several_that_do_cost_a_reader_each_and_no_other_file(vault: Vault, folder: Path) -> None:
    report = run(vault, folder, at="b.json d.json", phase="filing")
    assert sorted(refusals(report)) == ["b.json", "d.json"]
    assert dict(report.imported) == {"Patient": 1, "Condition": 2}
    assert vault.patient_count() == 1


def test_a_document_that_needs_too_much_memory_is_refused_by_that_name(vault: Vault, folder: Path) -> None:
    write(folder / "c.json", b'{"resourceType":"Patient","x":[' + b"{}," * 3_000_000 + b"{}]}")
    report = run(vault, folder, limits=SMALL)
    assert refusals(report) == {"c.json": "c.json: reading it needs more than 256 MiB of memory; split it"}
    assert dict(report.imported) == {"Patient": 1, "Condition": 3}


def test_endless_computing_and_a_stalled_disk_are_told_apart(vault: Vault, folder: Path) -> None:
    spent = run(vault, folder, at="b.json", phase="looking through", deed=strike(signal.SIGXCPU))
    assert "takes more than 120 s of computing" in refusals(spent)["b.json"]
    stalled = run(
        vault,
        folder,
        at="b.json",
        phase="looking through",
        deed=strike(signal.SIGSTOP),
        limits=GateLimits(silence_s=0.5),
    )
    assert "no record of it came for 0.5 s" in refusals(stalled)["b.json"]
    assert stalled.unchanged == spent.added


def test_a_file_too_large_to_be_held_is_read_twice_and_filed_alike(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "l.ndjson", seeds()["lines.ndjson"])
    held = run(vault, path)
    monkeypatch.setattr(importing, "MOST_HELD_BYTES", 10)
    again = run(vault, path)
    assert held.imported == again.imported
    assert (again.added, again.changed, again.unchanged) == (0, 0, held.added)


def test_nothing_of_a_file_is_filed_before_it_was_read_to_its_end(
    vault: Vault, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = b"".join(seeds()["lines.ndjson"].replace(b'"p"', f'"p{n}"'.encode()) for n in range(3_000))
    write(folder / "c.ndjson", lines)
    monkeypatch.setattr(importing, "MOST_HELD_BYTES", 10)
    filing = 0
    for step in import_records(vault, [folder / "c.ndjson"]):
        filing += isinstance(step, ImportProgress) and step.phase == "filing"
        if filing == 2:  # some of its sixty frames have come
            filing += 1
            os.kill(readers()[0], signal.SIGKILL)
    assert isinstance(step, ImportReport)
    assert filing > 2
    assert list(refusals(step)) == ["c.ndjson"]
    assert vault.patient_count() == 0


def in_process(path: Path) -> list[ImportedItem]:
    plan = ReadPlan()
    files = list(source_files([path], ReadLimits()))
    for file in files:
        list(learn(file, plan))
    return [item for file in files for item in read_records(file, plan)]


def test_every_noun_comes_through_the_pipe_as_it_was_read(tmp_path: Path) -> None:
    for name, data in seeds().items():
        write(tmp_path / name, data)
    with ForeignGate(ReadPlan(), {}) as gate:
        files = [f for path in sorted(tmp_path.iterdir()) for f in gate.members(SourceFile(path))]
        for file in files:
            list(gate.learn(file))
        items = [unpack_item(p) for file in files for part in gate.read(file) for p in part.items]
    expected = in_process(tmp_path)
    told = [(i.kind, i.place, i.skipped, i.remarks, i.unread) for i in items]
    assert told == [(i.kind, i.place, i.skipped, i.remarks, i.unread) for i in expected]
    assert {r for i in items for r in i.records} == {r for i in expected for r in i.records}
    assert gate.network in ("", "seccomp", "namespace", "guard")


def test_a_name_that_is_no_text_is_handed_on_as_the_system_knows_it(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xe9\n.json"))
    write(odd, ADA)
    text = write(odd.with_suffix(".txt"), b"Has fever.")
    with ForeignGate(ReadPlan(), {}) as gate:
        told = [
            unpack_item(p) for path in (odd, text) for part in gate.read(SourceFile(path)) for p in part.items
        ]
    assert [bool(item.records) for item in told] == [True, False]
    assert "rename it" in told[1].skipped


def test_a_reader_starts_light() -> None:
    code = "import sys, app.cli.worker, app.exchange.foreign_reader; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "torch", "PySide6", "sqlcipher3", "onnxruntime", "networkx"}
    assert heavy.isdisjoint(done.stdout.split())


def test_a_reader_that_never_starts_is_no_files_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_gate, "program_command", lambda *_: [sys.executable, "-c", ""])
    with ForeignGate(ReadPlan(), {}) as gate, pytest.raises(WorkerFailed, match="self-test"):
        gate.members(SourceFile(folder / "a.json"))


def test_a_reply_that_is_no_frame_of_ours_is_the_end_of_the_reader(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lies = "import os, time; os.write(1, b'\\xff' * 8); time.sleep(60)"
    monkeypatch.setattr(foreign_gate, "program_command", lambda *_: [sys.executable, "-c", lies])
    with ForeignGate(ReadPlan(), {}) as gate, pytest.raises(ReaderEnded, match="made to harm"):
        gate.members(SourceFile(folder / "a.json"))


def test_packs_bases_and_updates_are_tried_by_the_reader_before_they_are_used(tmp_path: Path) -> None:
    pack = write(tmp_path / "own.toml", b"this is no pack")
    huge = write(tmp_path / "huge.csv", b"disease_id,term_id\n" + b"a,b\n" * 10)
    with ForeignGate(ReadPlan(), {}, limits=SMALL) as gate:
        for kind, content in ((PACK, pack), (PACK, huge), (BASE, b"x"), (UPDATE, b"x")):
            with pytest.raises(ImportRefused):
                gate.check(kind, content, name="f")
        assert not gate.has_forgotten
        gate.check(BASE, seeds_of("base")[0], name="f")
        gate.check(UPDATE, seeds_of("update")[0], name="f")


def test_named_files_are_tried_by_the_reader_and_what_is_merely_wrong_is_left_to_who_uses_them(
    tmp_path: Path,
) -> None:
    text = write(tmp_path / "any.toml", b"a = = 1")
    deep = write(tmp_path / "deep.toml", b"a = " + b"[" * 100_000)
    with ForeignGate(ReadPlan(), {}) as gate:
        for kind in (RULES, TRUST, TOML):
            gate.check(kind, text, name="f")
            gate.check(kind, deep, name="f")
        assert not gate.has_forgotten
    for kind in (RULES, TRUST, TOML):
        try_file(kind, tmp_path / "absent")
        try_file(kind, None)


def test_a_named_file_that_ends_the_reader_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(foreign_gate, "program_command", lambda *_: [sys.executable, "-c", DIES])
    path = str(write(tmp_path / "r.toml", b""))
    desk = ["--identity", str(write(tmp_path / "key", new_coordinator().to_text().encode())), "--trust", path]
    for words in (
        ["rules", "check", path],
        ["diagnose", "--findings", "HP:0001166", "--rules", path],
        ["ask", "--findings", "HP:0001166", "--costs", path],
        ["update", "verify", path, *desk],
    ):
        assert main(words) == 1, words
        assert "it ended the process that read it" in capsys.readouterr().err, words


def test_a_named_file_that_cannot_be_read_is_no_fault_of_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (tmp_path, tmp_path / ("n" * 300)):
        for words in (
            ["rules", "check", str(name)],
            ["ask", "--findings", "HP:0001166", "--costs", str(name)],
        ):
            assert main(words) == 1
            said = capsys.readouterr().err
            assert "fault" not in said
            assert "check its name" in said


def test_an_update_that_ends_the_reader_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_gate, "program_command", lambda *_: [sys.executable, "-c", DIES])
    path = write(tmp_path / "r.fedbase", BASE_MAGIC + b"x")
    with pytest.raises(UpdateRefused, match=r"r\.fedbase: it ended the process that read it"):
        inspect_update(path, None)
