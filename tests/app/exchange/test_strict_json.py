"""Foreign JSON passes one strict gate; what does not pass gets one clear error."""

import pytest

from app.errors import ImportRefused
from app.exchange.strict_json import load_json


def test_plain_json_passes() -> None:
    assert load_json(b'\xef\xbb\xbf{"a": [1, 2.5, "x", null, true]}', name="f") == {
        "a": [1, 2.5, "x", None, True]
    }


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": [1, 2', "cut short"),
        (b'{"a": 1} {"b"', "not valid JSON"),
        (b"", "not valid JSON"),
        ('{"a": "é"}'.encode("utf-16"), "not UTF-8"),
        (b"[" * 100 + b"]" * 100, "deeper"),
        (b"[" * 200_000 + b"]" * 200_000, "deeper"),
    ],
)
def test_hostile_json_is_refused_with_one_reason(data: bytes, says: str) -> None:
    with pytest.raises(ImportRefused, match=says) as refused:
        load_json(data, name="f.json")
    assert str(refused.value).startswith("f.json: ")
    assert "\n" not in str(refused.value)


def test_an_oversized_document_is_refused() -> None:
    with pytest.raises(ImportRefused, match="larger than"):
        load_json(b" " * (2 << 20), name="f", largest=1 << 20)
