"""Opens an ONNX Runtime session, on a graphics card where there really is one, and says the truth of it.

`get_available_providers()` lists what was compiled in, not what works: only an open session's
`get_providers()` is believed.
"""

import os
from typing import Any

import onnxruntime

from ml.errors import ModelFileError, ProviderUnavailable
from ml.inference.external_data import refuse_external_data

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
PROVIDERS = {"auto": (CUDA, CPU), "cpu": (CPU,), "cuda": (CUDA, CPU), "tensorrt": (TENSORRT, CUDA, CPU)}
MOST_WORKERS = 8  # of a machine of many cores: each takes some 20 MB
_ERRORS_ONLY, _CRASHES_ONLY = 3, 4
_REMEDIES = {
    "cuda": "CUDA was asked for, but this machine cannot run it; install the gpu extra, or use cpu",
    "tensorrt": (
        "TensorRT was asked for, but this machine cannot run it; install NVIDIA's TensorRT 10 beside the gpu "
        "extra, or use cuda"
    ),
}


def open_session(onnx: bytes, *, provider: str = "auto", threads: int = 0, recorded: bool = False) -> Any:
    """A session for a model's bytes. `threads` 0 leaves the number to the runtime.

    `recorded`: on a card its kernels are recorded as CUDA graphs, where the model allows it; `CardSession`
    alone may then run it. Raises ProviderUnavailable where `cuda` or `tensorrt` was asked for and fails.
    """
    if provider not in PROVIDERS:
        raise ProviderUnavailable(f"there is no provider {provider!r}; use one of {', '.join(PROVIDERS)}")
    refuse_external_data(onnx)
    if provider != "cpu" and cuda_compiled():
        onnxruntime.preload_dlls()
    if provider == "tensorrt":  # ONNX Runtime would print a missing library before it says so here
        onnxruntime.set_default_logger_severity(_CRASHES_ONLY)
    compiled = onnxruntime.get_available_providers()
    wanted = [p for p in PROVIDERS[provider] if p == CPU or p in compiled]
    try:
        session = _session(onnx, [(p, _options(p, recorded)) for p in wanted], threads)
    except ModelFileError:
        if not recorded:
            raise
        session = _session(onnx, [(p, _options(p, False)) for p in wanted], threads)
    first = PROVIDERS[provider][0]
    if provider in _REMEDIES and first not in session.get_providers():
        raise ProviderUnavailable(_REMEDIES[provider])
    return session


def cuda_compiled() -> bool:
    """Whether this ONNX Runtime could use CUDA at all; says nothing of the machine."""
    return CUDA in onnxruntime.get_available_providers()


def active_provider(session: Any) -> str:
    """`tensorrt`, `cuda` or `cpu`: where the session really runs."""
    return {TENSORRT: "tensorrt", CUDA: "cuda"}.get(session.get_providers()[0], "cpu")


def _options(provider: str, recorded: bool) -> dict[str, str]:
    """fp32 stays fp32 on a card: TF32 would keep ten bits. TensorRT has a half precision of its own.

    TensorRT keeps no engine on the disk: it would hold the model's weights outside the vault.
    """
    if provider == CUDA:
        return {"use_tf32": "0", "enable_cuda_graph": "1" if recorded else "0"}
    if provider == TENSORRT:
        return {"trt_fp16_enable": "1", "trt_engine_cache_enable": "0", "trt_timing_cache_enable": "0"}
    return {}


def _session(onnx: bytes, providers: list[tuple[str, dict[str, str]]], threads: int) -> Any:
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
