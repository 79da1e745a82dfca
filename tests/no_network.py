"""Runs a program and all its children where the first attempt at a network socket ends the process.

Where the system has no libseccomp, nothing is forbidden and the program runs all the same.
"""

import signal
import socket
import subprocess
from collections.abc import Sequence
from typing import Any

from app.exchange.system_calls import KILLED, When, forbid_calls

ENDED = -signal.SIGSYS if hasattr(signal, "SIGSYS") else 0
FAMILIES = ("AF_INET", "AF_INET6", "AF_PACKET", "AF_BLUETOOTH", "AF_VSOCK", "AF_CAN", "AF_QIPCRTR")


def forbid_network() -> None:
    """For `preexec_fn`: no native code gets round it. Sockets within the machine (AF_UNIX) stay."""
    named = {int(getattr(socket, family)) for family in FAMILIES if hasattr(socket, family)}
    forbid_calls([("socket", When.equal(0, family)) for family in named], action=KILLED)


def run_without_network(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` of a program that dies of its first attempt."""
    return subprocess.run(command, preexec_fn=forbid_network, **options)
