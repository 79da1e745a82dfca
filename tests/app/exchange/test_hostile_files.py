"""Whatever a file holds, reading it ends in storable records or in one line without its content."""

import base64
import gzip
import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clinical.note import Note
from app.clinical.patient import Patient
from app.errors import ImportRefused
from app.exchange.item import ReadLimits
from app.exchange.note_text import attachment_text, plain_text
from app.exchange.strict_json import load_json
from tests.app.exchange.hostile_seeds import (
    CANARY,
    bundle,
    phenopacket,
    resources,
    seeds,
    spoilt_bytes,
    spoilt_tree,
)
from tests.app.exchange.outcome import SMALL, outcome, records, write

SEEDS = seeds()
quick = settings(max_examples=120, deadline=None, derandomize=True, database=None)
turns = st.integers(min_value=0, max_value=1 << 40)


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_the_seeds_themselves_are_read_whole(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(SEEDS[name])
    items, refused = outcome(tmp_path / name)
    assert refused == []
    assert [i.skipped for i in items if i.skipped] == []
    assert records(items, Patient)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SEEDS))
@given(turn=turns)
@quick
def test_spoilt_bytes_end_in_records_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, name: str, turn: int
) -> None:
    path = tmp_path_factory.getbasetemp() / f"b-{name}"
    path.write_bytes(spoilt_bytes(SEEDS[name], random.Random(turn)))
    for limits in (None, SMALL):
        items, refused = outcome(path, limits)
        assert all(item.records or item.skipped for item in items)
        assert all(CANARY not in line and "\n" not in line for line in refused)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bundle", "lines", "packet", "streamed"])
@given(turn=turns)
@quick
def test_odd_values_anywhere_end_in_records_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, kind: str, turn: int
) -> None:
    dice = random.Random(turn)
    path = tmp_path_factory.getbasetemp() / f"odd-{kind}.{'ndjson' if kind == 'lines' else 'json'}"
    trees = resources() if kind == "lines" else [phenopacket() if kind == "packet" else bundle()]
    path.write_text("\n".join(json.dumps(spoilt_tree(tree, dice)) for tree in trees), "utf-8")
    items, refused = outcome(path, ReadLimits(largest_document=300) if kind == "streamed" else None)
    assert all(item.records or item.skipped for item in items)
    assert all(CANARY not in line and "\n" not in line for line in refused)


@given(data=st.binary(max_size=200))
@quick
def test_any_bytes_as_json_are_a_value_or_one_line(data: bytes) -> None:
    try:
        json.dumps(load_json(data, name="f"), ensure_ascii=False).encode("utf-8")
    except ImportRefused as error:
        told = str(error)
    else:
        told = "f: "
    assert told.startswith("f: ")


@given(text=st.text(st.sampled_from("<>![]-?/&#;x\"' abp\n"), max_size=60))
@quick
def test_any_markup_becomes_text(text: str) -> None:
    told = plain_text(text)
    assert told.encode("utf-8").decode("utf-8") == told
    assert "\x00" not in told


def test_markup_that_the_parser_chokes_on_keeps_its_words() -> None:
    assert "fever" in plain_text("<p>Has fever</p><![x[ and <b>rash</b>")
    assert plain_text("<p>5 &amp;lt; 6</p>") == "5 &lt; 6"


@pytest.mark.parametrize(
    "charset", ["idna", "unicode_escape", "undefined", "utf-7", "rot13", "hex", "punycode"]
)
def test_odd_charsets_give_text_that_can_be_stored(charset: str) -> None:
    text, _ = attachment_text({"contentType": f"text/plain; charset={charset}", "data": "XHVkODNkICsyRDAt"})
    assert text.encode("utf-8").decode("utf-8") == text
    assert "\x00" not in text


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape", "idna", "punycode"])
def test_a_notation_of_pythons_own_changes_no_note(charset: str) -> None:
    said = r"Walks \n steps, no \u0041 in the report-"
    data = base64.b64encode(said.encode()).decode()
    assert attachment_text({"contentType": f"text/plain; charset={charset}", "data": data}) == (said, "")


def test_half_a_surrogate_pair_and_a_nul_do_not_lose_the_record(tmp_path: Path) -> None:
    patient = {"resourceType": "Patient", "id": "p", "name": [{"text": "A\ud83d B\0"}]}
    items, refused = outcome(write(tmp_path / "p.json", json.dumps(patient)))
    assert (records(items, Patient)[0].name, refused) == ("A� B�", [])


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "9" * 5000])
def test_numbers_beyond_measure_never_reach_the_store(tmp_path: Path, number: str) -> None:
    quantity = (
        '{"resourceType":"Observation","subject":{"reference":"Patient/p"},"valueQuantity":{"value":%s}}'
    )
    items, refused = outcome(write(tmp_path / "o.json", quantity % number))
    assert len(items) + len(refused) == 1


def test_one_broken_line_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    good = [json.dumps(r) for r in resources()]
    for broken in ('{"resourceType": "Patient", "na', '{"a": 1, "a": 2}', "[1]", "{}", "[" * 100, "\ufffe"):
        lines = [*good[:3], broken, *good[3:]]
        items, refused = outcome(write(tmp_path / "l.ndjson", "\n".join(lines)))
        assert refused == []
        assert [(i.place) for i in items if i.skipped] == ["line 4"]
        assert sum(bool(i.records) for i in items) == len(good)


def test_a_broken_first_line_does_not_hide_the_others(tmp_path: Path) -> None:
    for name in ("l.ndjson", "l.jsonl", "l.ndjson.gz"):
        data = b'{"resourceType": "Patient", "na\n' + SEEDS["lines.ndjson"]
        items, refused = outcome(write(tmp_path / name, gzip.compress(data) if name.endswith("gz") else data))
        assert (refused, len([i for i in items if i.skipped])) == ([], 1)
    packet = json.dumps(phenopacket())
    items, refused = outcome(write(tmp_path / "p.jsonl", f'{{"id"\n{packet}\n{{"id": 3}}\n{packet}\n'))
    assert (refused, [i.place for i in items if i.skipped]) == ([], ["line 1", "line 3"])


def test_lines_of_which_none_can_be_read_are_refused(tmp_path: Path) -> None:
    _, refused = outcome(write(tmp_path / "l.ndjson", "x\ny\n"))
    assert "none of its 2 lines" in refused[0]


def test_a_huge_line_costs_one_item_and_no_memory(tmp_path: Path) -> None:
    good = [json.dumps(r) for r in resources()]
    huge = json.dumps({"resourceType": "Basic", "text": "x" * 300_000})
    path = write(tmp_path / "l.ndjson", "\n".join([good[0], huge, *good[1:]]))
    items, refused = outcome(path, ReadLimits(largest_document=50_000))
    assert refused == []
    (skipped,) = (i for i in items if i.skipped)
    assert skipped.place == "line 2"
    assert "larger than" in skipped.skipped
    assert len(records(items, Patient)) == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"resourceType":"Bundle","entry":[{"resource":{"x":"' + b"x" * 400_000, "larger than|too large"),
        (b'{"resourceType":"Bundle","note":' + b"9" * 400_000 + b"}", "larger than|valid JSON"),
        (b'{"a":' + b"[" * 200_000, "deeper"),
        (b'{"resourceType":"Bundle","entry":[' + b'{"resource":' * 3000, "deeper|large"),
        (b'{"resourceType":"Patient","x":[' + b"1," * 50_000 + b"1]}", "no FHIR bundle"),
        (b'{"x":1,"x":2,"y":[' + b"1," * 50_000 + b"1]}", "one key twice"),
        (
            b'{"resourceType":"Bundle","entry":[{"v":1e999}],"x":[' + b"1," * 50_000 + b"1]}",
            "too large|valid",
        ),
        (b'{"resourceType":"Bundle","entry":[' + b"1," * 50_000 + b"1]", "cut short"),
    ],
)
def test_huge_files_that_would_eat_the_memory_are_refused(tmp_path: Path, data: bytes, says: str) -> None:
    _, refused = outcome(write(tmp_path / "h.json", data), ReadLimits(largest_document=30_000))
    assert len(refused) == 1
    assert re.search(says, refused[0])


def test_a_bom_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    for name in ("bundle.json", "lines.ndjson", "packet.json", "table.csv", "note.txt"):
        plain, _ = outcome(write(tmp_path / name, SEEDS[name]))
        marked = b"\xef\xbb\xbf" + SEEDS[name].replace(b"}\n", b"}\r\n")
        items, refused = outcome(write(tmp_path / name, marked))
        assert refused == []
        assert len(items) == len(plain)


def test_a_note_may_begin_like_json(tmp_path: Path) -> None:
    items, refused = outcome(write(tmp_path / "7.txt", "[Letter] {draft} Seizures."))
    assert (records(items, Note)[0].text, refused) == ("[Letter] {draft} Seizures.", [])
