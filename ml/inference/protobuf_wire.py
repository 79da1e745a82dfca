"""The few parts of the protobuf wire format that ONNX files need: read fields, write fields.

Enough to add tensors to a graph and to look for external data, without the `onnx` package.
"""

from collections.abc import Iterator

from ml.errors import ModelFileError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED_LENGTH = {FIXED64: 8, FIXED32: 4}

Field = tuple[int, int, int | memoryview]


def write_varint(value: int) -> bytes:
    """Base-128, least significant group first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def write_number(number: int, value: int) -> bytes:
    """A varint field."""
    return write_varint(number << 3 | VARINT) + write_varint(value)


def write_bytes(number: int, data: bytes) -> bytes:
    """A length-delimited field: bytes, a string or a message."""
    return write_varint(number << 3 | BYTES) + write_varint(len(data)) + data


def read_fields(message: memoryview) -> Iterator[Field]:
    """Each field's (number, wire type, value); refuses what is cut or of another format."""
    place = 0
    while place < len(message):
        tag, place = _read_varint(message, place)
        wire = tag & 7
        if wire == VARINT:
            value, place = _read_varint(message, place)
            yield tag >> 3, wire, value
            continue
        if wire == BYTES:
            length, place = _read_varint(message, place)
        elif wire in _FIXED_LENGTH:
            length = _FIXED_LENGTH[wire]
        else:
            raise ModelFileError("this is not an ONNX file; publish the model again")
        if place + length > len(message):
            raise ModelFileError("the ONNX file is cut; publish the model again")
        yield tag >> 3, wire, message[place : place + length]
        place += length


def _read_varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message) and shift < 70:
        group = message[place]
        place += 1
        value |= (group & 0x7F) << shift
        if group < 0x80:
            return value, place
        shift += 7
    raise ModelFileError("the ONNX file is cut; publish the model again")
