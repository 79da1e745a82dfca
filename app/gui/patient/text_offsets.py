"""Turns code-point offsets of a note into positions of Qt's document, and back.

Qt counts UTF-16 units, and a document takes `\\r\\n` for one line end.
"""

from bisect import bisect_right


class TextOffsets:
    """The two-way map for one text; constant time where both counts agree."""

    def __init__(self, text: str) -> None:
        self.length = len(text)
        self._points = [0]  # code-point offsets from which a shift holds
        self._shifts = [0]
        shift = 0
        for i, character in enumerate(text):
            if ord(character) > 0xFFFF:
                shift += 1
            elif character == "\r" and text[i + 1 : i + 2] == "\n":
                shift -= 1
            else:
                continue
            self._points.append(i + 1)
            self._shifts.append(shift)
        self._positions = [p + s for p, s in zip(self._points, self._shifts, strict=True)]

    def to_qt(self, offset: int) -> int:
        """The document position of a code-point offset."""
        return offset + self._shifts[bisect_right(self._points, offset) - 1]

    def from_qt(self, position: int) -> int:
        """The first code-point offset of a document position."""
        part = bisect_right(self._positions, position) - 1
        while part and position - self._shifts[part - 1] < self._points[part]:
            part -= 1
        offset = position - self._shifts[part]
        return min(max(offset, 0), self.length)
