"""Takes from this process what a reader of foreign files does not need, before it reads one.

What applies, from the system down: limits on memory, processor time and written bytes (where the system
knows them); no network, no new process and no changed file by seccomp (libseccomp), else no network by a
namespace without one; last a guard inside Python, which native code could pass by.
"""

import ctypes
import os
import sys
from dataclasses import dataclass
from typing import Any

from app.exchange.system_calls import When, forbid_calls

SECCOMP, NAMESPACE, GUARD = "seccomp", "namespace", "guard"
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_FORBIDDEN = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg"),
    *("sendmmsg", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("execve", "execveat", "fork", "vfork", "clone", "clone3", "kill", "tkill", "tgkill"),
    *("rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_getfd", "pidfd_send_signal"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "shmget", "msgget", "semget", "mq_open"),
    *("creat", "openat2", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat"),
    *("rmdir", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat", "truncate", "ftruncate"),
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utimensat"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    *("mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "bpf", "perf_event_open"),
    *("userfaultfd", "keyctl", "add_key", "request_key", "open_by_handle_at", "fanotify_init"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "reboot"),
)
_CHANGING = (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC)
_GUARDED = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.kill")


@dataclass(frozen=True, slots=True)
class Confinement:
    """Limits of a reader of foreign files: bytes of memory, seconds of processor time for one step."""

    memory_bytes: int = 3 << 30
    cpu_s: int = 120
    ways: tuple[str, ...] = (SECCOMP, NAMESPACE)


def confine(limits: Confinement) -> str:
    """Confine this process for good; which way keeps it off the network."""
    sys.dont_write_bytecode = True
    if sys.platform != "win32":
        import resource

        for name, most in (("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 0), ("RLIMIT_AS", limits.memory_bytes)):
            _lower(getattr(resource, name), most)
    ways = {SECCOMP: _by_seccomp, NAMESPACE: _by_namespace}
    kept_off = next((way for way in limits.ways if way in ways and ways[way]()), GUARD)
    sys.addaudithook(_guard)
    return kept_off


def renew_cpu(limits: Confinement) -> None:
    """Grant the next step its processor time; a process that uses it up is ended by the system."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + limits.cpu_s
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


def _lower(kind: int, most: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    bound = most if hard < 0 else min(most, hard)
    resource.setrlimit(kind, (bound, bound))


def _by_seccomp() -> bool:
    """No network, no process, no changed file from now on, whatever code runs in this process."""
    calls: list[tuple[str, When | None]] = [(name, None) for name in _FORBIDDEN]
    for name, place in (("open", 1), ("openat", 2)):
        calls += [(name, When.has_flag(place, flag)) for flag in _CHANGING]
    calls.append(("prlimit64", When.other_than(0, 0)))  # its own limits it may lower
    return forbid_calls(calls)


def _by_namespace() -> bool:
    """A network namespace with nothing in it; needs a kernel that lets a user make one."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER | _NEW_NET) == 0)


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_GUARDED) or (event == "open" and _changes(*arguments[1:3])):
        raise PermissionError("a reader of foreign files may only read")


def _changes(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and any(flags & flag for flag in _CHANGING)
