"""Rewrites the hash-locked requirement files from pyproject.toml. Needs `uv` on PATH.

`locked.txt` is what every machine installs, `locked-dev.txt` what tests, checks and builds need besides,
`locked-cuda.txt` what torch's CUDA build needs besides. torch is published as two builds under one version
(CPU, CUDA) with different hashes, so the CPU build, which the default index does not list, has a file of its
own: the bootstrap tries `locked-cpu-torch.txt` first on a machine without an NVIDIA driver.
"""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = (
    "uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate "
    "--no-header --quiet --extra setup --extra gpu"
)
DEV = "--extra dev --extra build"
# Asked for by wheels of which the program never runs what would use them: the weights' own code, and
# the downloads of tokenizers.
UNUSED = ("sentence-transformers", "huggingface-hub")
CUDA_PREFIXES = ("nvidia-", "cuda-", "triton==", "onnxruntime-gpu==")
CPU_TORCH = (
    "torch==2.13.0+cpu \\\n"
    "    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b\n"
)


def main() -> int:
    """Resolve for every platform, split, write."""
    whole = _compiled(DEV)
    program = _compiled("--excludes -", given="\n".join(UNUSED))
    plain, dev, cuda = split_lock(whole, {_name(entry) for entry in _entries(program)})
    locks = {"locked": plain, "locked-dev": dev, "locked-cuda": cuda, "locked-cpu-torch": CPU_TORCH}
    for name, text in locks.items():
        (ROOT / "installer" / f"{name}.txt").write_text(text, encoding="utf-8")
    return 0


def split_lock(text: str, program: Collection[str]) -> tuple[str, str, str]:
    """(what every machine installs, what development needs besides, what CUDA does), as requirement text.

    `program` names the packages that the program needs.
    """
    plain: list[str] = []
    dev: list[str] = []
    cuda: list[str] = []
    for entry in _entries(text):
        kind = cuda if entry.startswith(CUDA_PREFIXES) else plain if _name(entry) in program else dev
        kind.append(entry)
    return "".join(plain), "".join(dev), "".join(cuda)


def _compiled(options: str, given: str = "") -> str:
    command = [*COMPILE.split(), *options.split()]
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, check=True).stdout


def _name(entry: str) -> str:
    return entry.partition("==")[0]


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
