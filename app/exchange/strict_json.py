"""The one loader for foreign JSON: duplicate keys, NaN, depth, size, encoding, truncation.

What passes is plain dicts, lists, strings, finite numbers, booleans and None; half a surrogate pair
or a NUL in a string becomes U+FFFD, since no store and no screen can hold it. What does not pass
gets one ImportRefused that says what is wrong; it never holds content of the document.
"""

import json
import math
import re
from typing import Any

from app.errors import ImportRefused

DEEPEST = 60
LARGEST_BYTES = 64 << 20
_UNSTORABLE = re.compile("[\ud800-\udfff\0]")
_MAY_BE_UNSTORABLE = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")

Json = dict[str, Any]


def load_json(data: bytes, *, name: str, largest: int = LARGEST_BYTES) -> Any:
    """The value of a JSON document."""
    if len(data) > largest:
        raise ImportRefused(f"{name}: larger than {largest >> 20} MiB in one piece; split it or send NDJSON")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{name}: not UTF-8 (byte {error.start}); convert it to UTF-8") from error
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except _Refused as error:
        raise ImportRefused(f"{name}: {error}; ask the sender for a valid export") from error
    except RecursionError as error:
        raise ImportRefused(
            f"{name}: nested deeper than {DEEPEST} levels; it is not a clinical record"
        ) from error
    except ValueError as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ImportRefused(f"{name}: not valid JSON or cut short{where}; export it again") from error
    _check_depth(value, name)
    return _storable(value) if _MAY_BE_UNSTORABLE.search(data) else value


def storable_text(text: str) -> str:
    """Text without what no UTF-8 file can hold."""
    return _UNSTORABLE.sub("�", text)


class _Refused(ValueError):
    """JSON that the grammar allows and we do not."""


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused("an object names one key twice")
    return value


def _refuse_constant(_: str) -> Any:
    raise _Refused("it holds NaN or Infinity, which JSON does not know")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused("it holds a number too large to be a measurement")
    return value


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, list):
        return [_storable(v) for v in value]
    if isinstance(value, dict):
        return {storable_text(k): _storable(v) for k, v in value.items()}
    return value


def _check_depth(value: Any, name: str) -> None:
    level, nodes = 0, [value]
    while nodes:
        level += 1
        if level > DEEPEST:
            raise ImportRefused(f"{name}: nested deeper than {DEEPEST} levels; it is not a clinical record")
        nodes = [
            child
            for node in nodes
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
