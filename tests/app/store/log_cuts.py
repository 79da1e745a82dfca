"""The write-ahead log of a killed vault, cut behind each of its commits (sqlite.org/fileformat.html, 4.1)."""

import struct

HEADER, FRAME = 32, 24  # bytes: of the log's header, and of each frame before its page


def cut_logs(log: bytes) -> list[bytes]:
    """The log up to each commit, oldest first; the last one is the whole of what counts."""
    page = struct.unpack(">I", log[8:12])[0]
    frames = range(HEADER, len(log) - FRAME - page + 1, FRAME + page)
    ends = [
        at + FRAME + page
        for at in frames
        if log[at + 8 : at + 16] == log[16:24] and struct.unpack(">I", log[at + 4 : at + 8])[0]
    ]
    return [log[:end] for end in ends]
