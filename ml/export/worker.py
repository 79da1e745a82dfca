"""The export worker: a process with torch that turns tensors into a checked ONNX model.

One request frame comes on stdin (`ExportRequest`); progress frames and one `done` or `refused`
frame go to stdout, which carries nothing else: whatever libraries print goes to stderr.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import torch

from ml.errors import MlError
from ml.export.calibrated_graphs import calibrated_graphs
from ml.export.parity import measure_parity
from ml.frames import read_frame, write_frame
from ml.inference.graph_template import GraphTemplate, assemble
from ml.inference.version_loading import merged_tensors
from ml.registry.export_job import ExportRequest, ExportResult
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import build_classifier


def main() -> int:
    """Serve one request on this process's pipes."""
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not break the frames
    return serve(sys.stdin.buffer, stdout)


def serve(requests: BinaryIO, replies: BinaryIO) -> int:
    """Read one request and answer it; 0 when a model was made."""
    frame = read_frame(requests)
    if frame is None:
        return 1
    try:
        for reply in run_export(msgspec.convert(frame, ExportRequest)):
            write_frame(replies, reply)
    except MlError as error:
        write_frame(replies, {"kind": "refused", "message": str(error)})
        return 1
    return 0


def run_export(request: ExportRequest) -> Iterator[dict[str, Any]]:
    """Export, assemble and compare; yields progress and, last, the result."""
    torch.set_num_threads(request.threads)
    encoder = find_encoder(Path(request.encoder_dir) if request.encoder_dir else None)
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    tensors = merged_tensors(encoder, read_tensors(request.tensors))
    classifier = build_classifier(tensors, request.labels, encoder.config)
    if request.graphs:
        graphs = {precision: GraphTemplate.from_bytes(data) for precision, data in request.graphs.items()}
    else:
        yield {"kind": "progress", "text": "exporting the graph"}
        graphs = calibrated_graphs(classifier, tensors, tokenizer, request.calibration)
    yield {"kind": "progress", "text": "comparing ONNX Runtime with torch"}
    models = {precision: assemble(graph, tensors) for precision, graph in graphs.items()}
    parity = measure_parity(classifier, models, tokenizer, texts=request.probes)
    result = ExportResult(
        graphs={precision: graph.to_bytes() for precision, graph in graphs.items()},
        onnx_sha256={p: hashlib.sha256(onnx).hexdigest() for p, onnx in models.items()},
        onnx_bytes={p: len(onnx) for p, onnx in models.items()},
        parity=parity,
    )
    yield {"kind": "done", "result": msgspec.to_builtins(result, builtin_types=(bytes,))}
