"""Rewrites the hash-locked requirement files from pyproject.toml. Needs `uv` on PATH.

`locked.txt` is what every machine installs, `locked-cuda.txt` what torch's CUDA build needs
besides. torch is published as two builds under one version (CPU, CUDA) with different hashes,
so the CPU build, which the default index does not list, has a file of its own: the bootstrap tries
`locked-cpu-torch.txt` first on a machine without an NVIDIA driver.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = (
    "uv pip compile pyproject.toml --extra build --extra dev --extra gpu --universal --python-version 3.11 "
    "--generate-hashes --no-annotate --no-header --quiet"
)
CUDA_PREFIXES = ("nvidia-", "cuda-", "triton==", "onnxruntime-gpu==")
CPU_TORCH = (
    "torch==2.13.0+cpu \\\n"
    "    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b\n"
)


def main() -> int:
    """Resolve for every platform, split, write."""
    compiled = subprocess.run(COMPILE.split(), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    plain, cuda = split_lock(compiled)
    (ROOT / "installer" / "locked.txt").write_text(plain, encoding="utf-8")
    (ROOT / "installer" / "locked-cuda.txt").write_text(cuda, encoding="utf-8")
    (ROOT / "installer" / "locked-cpu-torch.txt").write_text(CPU_TORCH, encoding="utf-8")
    return 0


def split_lock(text: str) -> tuple[str, str]:
    """(what every machine installs, what CUDA needs besides), each as requirement text."""
    plain: list[str] = []
    cuda: list[str] = []
    for entry in _entries(text):
        (cuda if entry.startswith(CUDA_PREFIXES) else plain).append(entry)
    return "".join(plain), "".join(cuda)


def _entries(text: str) -> list[str]:
    entries: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith((" ", "\t")) and entries:
            entries[-1] += line
        elif line.strip() and not line.startswith("#"):
            entries.append(line)
    return entries


if __name__ == "__main__":
    sys.exit(main())
