"""The plain text of an RTF document (Rich Text Format 1.9): control words, code pages, escapes."""

import codecs
import re

_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+|\\)"
)
_BREAKS = {"par": "\n", "line": "\n", "sect": "\n\n", "page": "\n\n", "row": "\n", "tab": "\t", "cell": "\t"}
_SIGNS = {
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "emspace": " ",
    "enspace": " ",
}
_SILENT = {
    *(
        "fonttbl",
        "colortbl",
        "stylesheet",
        "info",
        "pict",
        "object",
        "header",
        "footer",
        "headerl",
        "headerr",
    ),
    *(
        "footerl",
        "footerr",
        "themedata",
        "datastore",
        "generator",
        "listtable",
        "listoverridetable",
        "fldinst",
    ),
}


def rtf_text(document: str) -> str:
    """Its text, without formatting, pictures, headers and hidden destinations."""
    reader = _Reader()
    for match in _TOKEN.finditer(document):
        reader.take(match)
    # Two \\u escapes may be the halves of one character.
    whole = "".join(reader.parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.strip()


class _Reader:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self._bytes = _decoder("cp1252")
        self._groups: list[tuple[bool, int]] = []
        self._silent = False
        self._fallback = 1  # characters that stand for a \u escape where Unicode is not known
        self._to_skip = 0

    def take(self, match: re.Match[str]) -> None:
        """One token."""
        word, number, byte, symbol, brace, text = match.groups()
        if text and text[0].isascii() and self._bytes.getstate()[0]:  # a sign's second byte, as a letter
            self._byte(ord(text[0]))
            text = text[1:]
        if brace:
            self._brace(brace)
        elif word:
            self._word(word, int(number) if number else None)
        elif byte:
            self._byte(int(byte, 16))
        elif symbol == "*":
            self._silent = True
        elif symbol:
            self._say({"~": "\xa0", "_": "-", "-": "", "\n": "\n", "\r": "\n"}.get(symbol, symbol))
        elif text:
            self._say(text)

    def _brace(self, brace: str) -> None:
        self._to_skip = 0
        self._bytes.reset()
        if brace == "{":
            self._groups.append((self._silent, self._fallback))
        elif self._groups:
            self._silent, self._fallback = self._groups.pop()

    def _word(self, word: str, number: int | None) -> None:
        if word in _SILENT:
            self._silent = True
        elif word == "ansicpg" and number:
            self._bytes = _decoder(f"cp{number}")
        elif word == "uc" and number is not None:
            self._fallback = max(0, min(number, 8))
        elif word == "u" and number is not None:
            self._unicode(number % 65536)
        else:
            self._say(_BREAKS.get(word) or _SIGNS.get(word, ""))

    def _byte(self, byte: int) -> None:
        """One byte of a sign, which in an East Asian code page may have two."""
        if self._to_skip:
            self._to_skip -= 1
        else:
            self._say(self._bytes.decode(bytes([byte])))

    def _unicode(self, unit: int) -> None:
        self._say(chr(unit))
        self._to_skip = self._fallback

    def _say(self, text: str) -> None:
        skipped = min(self._to_skip, len(text))
        self._to_skip -= skipped
        if not self._silent:
            self.parts.append(text[skipped:])


def _decoder(code_page: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(code_page)("replace")
    except LookupError:
        return codecs.getincrementaldecoder("cp1252")("replace")
