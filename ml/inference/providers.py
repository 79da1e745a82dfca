"""Opens an ONNX Runtime session, on the GPU where there really is one, and says the truth of it.

`get_available_providers()` lists what was compiled in, not what works: only an open session's
`get_providers()` is believed.
"""

import os
from typing import Any

import onnxruntime

from ml.errors import ModelFileError, ProviderUnavailable
from ml.inference.external_data import refuse_external_data

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
PROVIDERS = {"cpu": (CPU,), "cuda": (CUDA, CPU), "auto": (CUDA, CPU)}
MOST_WORKERS = 8  # of a machine of many cores: each takes some 20 MB
_ERRORS_ONLY = 3


def open_session(onnx: bytes, *, provider: str = "auto", threads: int = 0) -> Any:
    """A session for a model's bytes. `threads` 0 leaves the number to the runtime."""
    if provider not in PROVIDERS:
        raise ProviderUnavailable(f"there is no provider {provider!r}; use auto, cpu or cuda")
    refuse_external_data(onnx)
    if provider != "cpu" and cuda_compiled():
        onnxruntime.preload_dlls()
    wanted = [p for p in PROVIDERS[provider] if p == CPU or cuda_compiled()]
    session = _session(onnx, wanted, threads)
    if provider == "cuda" and CUDA not in session.get_providers():
        raise ProviderUnavailable(
            "CUDA was asked for, but this machine cannot run it; install the gpu extra, or use cpu"
        )
    return session


def cuda_compiled() -> bool:
    """Whether this ONNX Runtime could use CUDA at all; says nothing of the machine."""
    return CUDA in onnxruntime.get_available_providers()


def active_provider(session: Any) -> str:
    """`cuda` or `cpu`: where the session really runs."""
    return "cuda" if session.get_providers()[:1] == [CUDA] else "cpu"


def _session(onnx: bytes, providers: list[str], threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads or _thread_limit()
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=providers)
    except Exception as error:  # ONNX Runtime raises its own bare kinds, at this border only
        first_line = str(error).splitlines()[0][:200]
        raise ModelFileError(f"ONNX Runtime refuses the model; publish it again: {first_line}") from None


def worker_count(threads: int = 0) -> int:
    """How many windows a CPU reads side by side: `threads`, or what a person has set, or one a core."""
    return threads or _thread_limit() or min(os.cpu_count() or 1, MOST_WORKERS)


def _thread_limit() -> int:
    """ONNX Runtime does not read OMP_NUM_THREADS; a person who set it expects to be obeyed."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdecimal() else 0
