"""Installs the packages in a clean Debian system and checks that they work and keep what is the user's.

    sudo python3 installer/check_deb.py dist/anamnesis_*.deb dist/anamnesis-trainer_*.deb
         [--root DIR] [--suite NAME] [--json]

Needs Debian or Ubuntu, an administrator, `apt-get install debootstrap`, and the package sources of this
machine's apt, which the clean system uses too. `--root DIR` keeps the clean system and uses it again.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from installer.deb.clean_root import RootUnavailable, make_root, this_suite  # noqa: E402
from installer.deb.installed_check import CheckFailed, Step, check_packages  # noqa: E402


def main(words: list[str]) -> int:
    """Check, print one line a step, and return 1 at the first that fails."""
    parser = argparse.ArgumentParser(
        prog="check_deb.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("packages", nargs="+", type=Path, metavar="DEB")
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="keep the clean system here, or use it again"
    )
    parser.add_argument("--suite", default=this_suite(), help="the Debian release (default: this one)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(words)
    steps: list[Step] = []
    try:
        with _folder(arguments.root) as folder:
            root = make_root(folder, arguments.suite)
            for step in check_packages(root, arguments.packages):
                steps.append(step)
                print(f"{step.seconds:7.1f} s  {step.what}  {step.detail}", file=sys.stderr, flush=True)
    except (RootUnavailable, CheckFailed) as error:
        print(f"check_deb: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps([{"what": s.what, "seconds": s.seconds, "detail": s.detail} for s in steps]))
    return 0


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="anamnesis-root-") as made:
        yield Path(made)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
