"""The means by which other tests hold the program to no network do end what opens one, in children too."""

import sys
from ctypes.util import find_library

import pytest

from tests.no_network import ENDED, run_without_network

OPENS = "import socket; socket.socket(socket.{family}, socket.SOCK_STREAM)"
CHILD = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {opens!r}]).returncode != 0)"
CAUGHT = "try:\n    {opens}\nexcept BaseException:\n    pass"
WITHIN = "import socket; socket.socketpair(); socket.socket(socket.AF_UNIX)"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux"),
    pytest.mark.skipif(find_library("seccomp") is None, reason="libseccomp is not installed here"),
]


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_the_first_attempt_ends_the_process_even_where_the_error_would_be_caught(family: str) -> None:
    caught = CAUGHT.format(opens=OPENS.format(family=family))
    assert run_without_network([sys.executable, "-c", caught]).returncode == ENDED


def test_a_child_is_held_to_it_too_and_the_rest_goes_on() -> None:
    child = CHILD.format(opens=OPENS.format(family="AF_INET"))
    assert run_without_network([sys.executable, "-c", child]).returncode == 1
    assert run_without_network([sys.executable, "-c", WITHIN]).returncode == 0
