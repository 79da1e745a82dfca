"""Forbids system calls to this process and all its children for good, by the system's libseccomp.

Linux alone. The library is asked through its C interface (seccomp_rule_add_array(3)); where it is not
installed, nothing is forbidden and the caller is told.
"""

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass

REFUSED, UNKNOWN = 0x00050000 | 1, 0x00050000 | 38  # SCMP_ACT_ERRNO(EPERM), SCMP_ACT_ERRNO(ENOSYS)
KILLED = 0x80000000  # SCMP_ACT_KILL_PROCESS
_ALLOWED = 0x7FFF0000
_NOT_EQUAL, _EQUAL, _MASKED_EQUAL = 1, 4, 7


@dataclass(frozen=True, slots=True)
class When:
    """A condition on one argument of a call (counted from 0): `SCMP_CMP` and its one or two values."""

    argument: int
    comparison: int
    value: int
    masked: int = 0

    @classmethod
    def equal(cls, argument: int, value: int) -> "When":
        """The argument is this value."""
        return cls(argument, _EQUAL, value)

    @classmethod
    def int_is(cls, argument: int, value: int) -> "When":
        """The argument, of which the kernel reads 32 bits, is this value: whatever the others say."""
        return cls(argument, _MASKED_EQUAL, 0xFFFF_FFFF, value)

    @classmethod
    def other_than(cls, argument: int, value: int) -> "When":
        """The argument is another value."""
        return cls(argument, _NOT_EQUAL, value)

    @classmethod
    def has_flag(cls, argument: int, flag: int) -> "When":
        """The argument has every bit of the flag."""
        return cls(argument, _MASKED_EQUAL, flag, flag)


def forbid_calls(calls: Sequence[tuple[str | int, When | None]], *, action: int = REFUSED) -> bool:
    """Forbid these calls (names or numbers), each always or under a condition; False where it can't be."""
    library = _library()
    if library is None:
        return False
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOWED)))
    if not rules:
        return False
    made = all(_add(library, rules, action, name, condition) for name, condition in calls)
    loaded = made and library.seccomp_load(rules) == 0
    library.seccomp_release(rules)
    return loaded


class _Argument(ctypes.Structure):
    """`struct scmp_arg_cmp` of seccomp.h."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def _library() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def _add(
    library: ctypes.CDLL, rules: ctypes.c_void_p, action: int, call: str | int, when: When | None
) -> bool:
    number = call if isinstance(call, int) else library.seccomp_syscall_resolve_name(call.encode())
    if number == -1:  # this library does not know it
        return True
    conditions = [] if when is None else [(when.argument, when.comparison, when.value, when.masked)]
    array = (_Argument * len(conditions))(*(_Argument(*condition) for condition in conditions))
    count = ctypes.c_uint(len(conditions))
    return bool(library.seccomp_rule_add_array(rules, ctypes.c_uint32(action), number, count, array) == 0)
