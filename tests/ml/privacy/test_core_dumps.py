"""A trainer that crashes leaves no picture of its memory."""

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="core files are POSIX")
def test_a_process_that_forbade_them_writes_no_core_file() -> None:
    code = (
        "import resource\n"
        "from ml.privacy.core_dumps import forbid_core_dumps\n"
        "forbid_core_dumps()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(0, 0)"
