"""Rewrites the hash-locked requirement files from pyproject.toml. Needs `uv` on PATH.

`locked.txt` is what every machine installs, `locked-cuda.txt` what torch's CUDA build needs
besides. torch is published as two builds under one version (CPU, CUDA) with different hashes,
so the CPU build's hashes, which the default index does not list, are added from CPU_HASHES.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = (
    "uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 "
    "--generate-hashes --no-annotate --no-header --quiet"
)
CUDA_PREFIXES = ("nvidia-", "cuda-", "triton==")
CPU_HASHES = {
    "torch==2.13.0": ("sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",),
}


def main() -> int:
    """Resolve for every platform, split, write."""
    compiled = subprocess.run(COMPILE.split(), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    plain, cuda = split_lock(compiled)
    (ROOT / "installer" / "locked.txt").write_text(plain, encoding="utf-8")
    (ROOT / "installer" / "locked-cuda.txt").write_text(cuda, encoding="utf-8")
    return 0


def split_lock(text: str) -> tuple[str, str]:
    """(what every machine installs, what CUDA needs besides), each as requirement text."""
    plain: list[str] = []
    cuda: list[str] = []
    for entry in _entries(text):
        (cuda if entry.startswith(CUDA_PREFIXES) else plain).append(_with_cpu_hashes(entry))
    return "".join(plain), "".join(cuda)


def _entries(text: str) -> list[str]:
    entries: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith((" ", "\t")) and entries:
            entries[-1] += line
        elif line.strip() and not line.startswith("#"):
            entries.append(line)
    return entries


def _with_cpu_hashes(entry: str) -> str:
    pin = entry.split()[0]
    extra = "".join(f" \\\n    --hash={value}" for value in CPU_HASHES.get(pin, ()))
    return entry.rstrip("\n") + extra + "\n"


if __name__ == "__main__":
    sys.exit(main())
