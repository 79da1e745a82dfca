"""What the export worker is asked for, and what it answers."""

from dataclasses import dataclass

from ml.registry.model_version import Parity


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Changed tensors (a safetensors file) and labels; `probes` are public texts."""

    tensors: bytes
    labels: tuple[str, ...]
    probes: tuple[str, ...]
    encoder_dir: str = ""
    threads: int = 2


@dataclass(frozen=True, slots=True)
class ExportResult:
    """Graphs without weights, and the hash, size and parity of the models they give."""

    graphs: dict[str, bytes]
    onnx_sha256: dict[str, str]
    onnx_bytes: dict[str, int]
    parity: Parity
