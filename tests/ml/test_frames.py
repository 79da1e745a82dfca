"""Frames between two of our processes: whole, or refused by one kind of error."""

import io

import pytest

from ml.errors import MlError
from ml.frames import read_frame, write_frame


def test_a_frame_comes_back_and_then_the_end() -> None:
    stream = io.BytesIO()
    write_frame(stream, {"kind": "step", "data": b"\0\xff"})
    stream.seek(0)
    assert read_frame(stream) == {"kind": "step", "data": b"\0\xff"}
    assert read_frame(stream) is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\0\0", "in the middle"),
        (b"\0\0\0\x09\x81", "in the middle"),
        (b"\xff\xff\xff\xff", "oversized"),
        (b"\0\0\0\x01\x80"[:4] + b"\xc1", "damaged"),
        (b"\0\0\0\x02\x91\x01", "damaged"),
        (b"\0\0\0\x04\x81\xa1\xff\x01", "damaged"),
        (b"\0\0\x27\x10" + b"\x91" * 10_000, "damaged"),
    ],
)
def test_whatever_else_comes_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(MlError, match=says):
        read_frame(io.BytesIO(data))


def test_a_reader_may_set_a_lower_bound() -> None:
    stream = io.BytesIO()
    write_frame(stream, {"data": b"x" * 100})
    stream.seek(0)
    with pytest.raises(MlError, match="oversized"):
        read_frame(stream, largest=50)
