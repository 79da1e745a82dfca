"""What the export worker is asked for, and what it answers."""

import json
from dataclasses import dataclass, field, replace

from ml.registry.model_version import (
    GRAPH_FILES,
    LABELS_FILE,
    TENSORS_FILE,
    ModelCard,
    Parity,
    VersionContent,
    pack_version,
)


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Changed tensors (a safetensors file) and labels; `probes` are public texts, to compare with torch.

    `calibration` are others, on which int8 sees how large what it rounds becomes.

    `graphs` are those of a version with the same encoder and labels: every such version has the same
    graph, so it need not be exported again. The comparison with torch is made all the same.
    """

    tensors: bytes
    labels: tuple[str, ...]
    probes: tuple[str, ...]
    encoder_dir: str = ""
    threads: int = 2
    graphs: dict[str, bytes] = field(default_factory=dict)
    calibration: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportResult:
    """Graphs without weights, and the hash, size and parity of the models they give."""

    graphs: dict[str, bytes]
    onnx_sha256: dict[str, str]
    onnx_bytes: dict[str, int]
    parity: Parity


def exported_version(request: ExportRequest, result: ExportResult, card: ModelCard) -> VersionContent:
    """The version that a request and its answer make, with what was measured in its card."""
    files = {
        TENSORS_FILE: request.tensors,
        LABELS_FILE: json.dumps(list(request.labels), separators=(",", ":")).encode("utf-8"),
        **{GRAPH_FILES[precision]: graph for precision, graph in result.graphs.items()},
    }
    measured = replace(
        card, parity=result.parity, onnx_sha256=result.onnx_sha256, onnx_bytes=result.onnx_bytes
    )
    return pack_version(files, measured)
