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

from app.exchange.system_calls import UNKNOWN, When, forbid_calls

SECCOMP, NAMESPACE, GUARD = "seccomp", "namespace", "guard"
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_FORBIDDEN = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg"),
    *("sendmmsg", "ioctl", "flock", "io_setup", "io_submit", "splice", "tee", "vmsplice", "memfd_create"),
    *("execve", "execveat", "uselib", "fork", "vfork", "clone", "kill", "tkill", "tgkill"),
    *("rt_sigqueueinfo", "rt_tgsigqueueinfo", "ptrace", "kcmp", "process_vm_readv", "process_vm_writev"),
    *("setpriority", "ioprio_set", "sched_setparam", "sched_setscheduler", "sched_setattr"),
    *("sched_setaffinity", "migrate_pages", "move_pages"),
    *("shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semctl"),
    *("semtimedop", "mq_open", "mq_unlink"),
    *("creat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat"),
    *("rmdir", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat", "truncate", "ftruncate"),
    *("fallocate", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat", "utimensat_time64"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    *("mount", "umount", "umount2", "pivot_root", "chroot", "unshare", "setns", "bpf", "perf_event_open"),
    *("userfaultfd", "keyctl", "add_key", "request_key", "name_to_handle_at", "open_by_handle_at"),
    *("fanotify_init", "fanotify_mark", "personality", "modify_ldt", "iopl", "ioperm", "vhangup"),
    *("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset"),
    *("settimeofday", "clock_settime", "clock_settime64", "adjtimex", "clock_adjtime", "clock_adjtime64"),
    *("sethostname", "setdomainname", "syslog", "acct", "swapon", "swapoff", "quotactl", "lookup_dcookie"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"),
)
_NEW, _HARMLESS_NEW = range(424, 1024), (436, 439, 441, 444, 445, 446, 449, 451, 453, 454, 455, 456, 462)
_FCNTL_OWNER, _FCNTL_LOCKS, _FCNTL_WATCH = (8, 10, 15), (6, 7, 37, 38), (1024, 1026)
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
    """No network, no process, no changed file from now on, whatever code runs in this process.

    Of the calls since Linux 5.1, which have one number on every machine, all but harmless ones are absent:
    what a kernel to come brings is as well, and a C library that asks for it goes another way.
    """
    calls: list[tuple[str | int, When | None]] = [(name, None) for name in _FORBIDDEN]
    for name, place in (("open", 1), ("openat", 2)):
        calls += [(name, When.has_flag(place, flag)) for flag in _CHANGING]
    for command in (*_FCNTL_OWNER, *_FCNTL_LOCKS, *_FCNTL_WATCH):
        calls += [(name, When.int_is(1, command)) for name in ("fcntl", "fcntl64")]
    calls.append(("prlimit64", When.other_than(0, 0)))  # its own limits it may lower
    new = [(number, None) for number in _NEW if number not in _HARMLESS_NEW]
    return forbid_calls(new, action=UNKNOWN) and forbid_calls(calls)


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
