"""How the program starts: numpy multiplies on one core, unless somebody says otherwise."""

import os
import subprocess
import sys

import pytest

from app.config.program import multiply_on_one_core

_STARTED = (
    "import os, sys\n"
    "from app.cli.main import main\n"
    "assert 'numpy' not in sys.modules\n"
    "try: main(['--version'])\n"
    "except SystemExit: print(os.environ['OPENBLAS_NUM_THREADS'])\n"
)


@pytest.mark.parametrize("name", ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"])
def test_who_said_how_many_threads_is_obeyed(name: str) -> None:
    environment = {name: "4"}
    multiply_on_one_core(environment)
    assert environment == {name: "4"}


@pytest.mark.slow
def test_products_are_bound_to_one_core_before_numpy_is_there() -> None:
    environment = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", _STARTED], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == "1"
