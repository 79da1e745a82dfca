"""What comes over the pipe from a reader is believed only as strictly typed nouns and short lines."""

import msgspec
import pytest

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.errors import ReaderEnded
from app.exchange.item import ImportedItem
from app.exchange.item_frames import LONGEST_LINE, pack_item, unpack_item
from app.workflows.foreign_gate import PackedItems

NOTE = Note(NoteId("n"), PatientId("p"), "Has fever.\nNo rash \U0001f600.", "Letter")


def test_an_item_comes_back_as_it_was() -> None:
    item = ImportedItem("Note", "line 1", (Patient(PatientId("p"), "Ada"), NOTE), "", ("left out",), ("x",))
    assert unpack_item(pack_item(item)) == item


@pytest.mark.parametrize(
    "records",
    [
        [("Path", {"x": 1})],
        [("Note", {"id": "n", "patient_id": "p"})],
        [("Note", {"id": 5, "patient_id": "p", "text": "x"})],
        [("Patient", {"id": "p", "identifiers": "all"})],
        [("Patient", b"\x80\x04\x95")],
        ["Note"],
        {"Note": 1},
    ],
)
def test_nothing_but_a_noun_is_believed(records: object) -> None:
    with pytest.raises((msgspec.MsgspecError, KeyError)):
        unpack_item(msgspec.msgpack.encode(["k", "", records, "", [], []]))


def test_text_that_is_no_text_ends_the_reader_and_nothing_else() -> None:
    for data in (b"\x96\xa1\xff", b"\x91" * 10_000, b""):
        with pytest.raises(ReaderEnded, match="ask the sender"):
            PackedItems("f.json", "", [data]).opened()


def test_a_line_stays_one_printable_line_of_bounded_length() -> None:
    item = unpack_item(pack_item(ImportedItem("k\x1b[2K", "p\nq", skipped="x" * 9_000, remarks=("a\rb",))))
    assert (item.kind, item.place, item.remarks) == ("k�[2K", "p�q", ("a�b",))
    assert len(item.skipped) == LONGEST_LINE
