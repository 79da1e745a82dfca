"""The most memory that this process has held, by Linux' own count; 0 elsewhere."""

from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes() -> int:
    """Most bytes resident since the start, or since the peak was forgotten."""
    return _field("VmHWM")


def forget_peak() -> int:
    """Count the peak from now on; what is resident now, in bytes."""
    if _RESET.exists():
        _RESET.write_text("5")
    return _field("VmRSS")


def _field(name: str) -> int:
    if not _STATUS.exists():
        return 0
    lines = (line.split() for line in _STATUS.read_text().splitlines())
    return next((1024 * int(line[1]) for line in lines if line[:1] == [f"{name}:"]), 0)
