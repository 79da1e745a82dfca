"""What fuzzing starts from: hand-made files of each kind, and real ones where the shared data lies beside."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from importlib.resources import files as files_of
from pathlib import Path

import msgspec

from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.exchange.item import ImportedItem
from app.exchange.item_frames import pack_item
from ml.federated.base_file import write_base
from ml.federated.coordinator import new_coordinator
from ml.federated.envelope import sign_statement
from ml.federated.keys import signer_of
from ml.federated.package import UPDATE_MAGIC, pack
from ml.federated.payload import sha256, write_payload
from ml.federated.statement import BaseStatement, write_statement
from ml.frames import write_frame
from ml.inference.graph_template import Fill, FillKind, GraphTemplate
from ml.registry.model_version import ModelCard
from ml.registry.tensor_file import write_tensors
from ml.registry.training_result import TrainingResult
from tests.app.exchange.hostile_seeds import seeds
from tests.knowledge_graph.mini_release import GENES, HPOA, OBO
from tests.knowledge_graph.test_orphanet import (
    ages,
    gene,
    genes,
    prevalence,
    prevalences,
    product,
    reference,
    references,
)
from tests.knowledge_graph.test_pack_readers import CSV, PATIENTS, TOML, XML
from tests.ml.federated.small_federation import DESK, OFFICER, SITE, some_delta, statement

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
LARGEST_SEED = 8 << 10
HTML = b"text/html; charset=utf-8\nPHA+RmV2ZXIgJmFtcDsgPGI+cmFzaDwvYj48L3A+"
RTF = rb"{\rtf1\ansi\ansicpg1252 Has {\b seizures}.\par No \'fcber \u8364? fever.\tab}"
RULES = b"""
[sources.own]
title = "Own rule"
[[red_flag]]
id = "own_flag"
name = "Fever and a stiff neck"
findings = ["HP:0001945", "HP:0031179"]
all_of = [["HP:0001945"], ["HP:0031179"]]
from_age_years = 1.5
source = "own"
[[switch_off]]
id = "other"
reason = "seen elsewhere"
"""
POLICY = b"""
idle_lock_s = 60
epsilon_cap = 3.0
import_folders = ["/srv/in"]
packs = ["/srv/ward.toml"]
setting = "emergency"
[gates]
min_top1 = 0.2
[[report_groups]]
name = "children"
below_age = 18
"""
TRUST = b'[sites."st-anne"]\nsite_key = "ed25519:AAAA"\nofficer_key = "ed25519:BBBB"\n'
TOKENIZER = b'{"version": "1.0", "model": {"type": "WordPiece", "unk_token": "a", "vocab": {"a": 0}}}'
_ARCHIVES = {
    "fhir": ("fhir/au_fhir_test_data.zip", "fhir/synthea_r4_bundles.zip"),
    "ccda": ("ccda/hl7_ccda_section_examples.zip", "ccda/vendor_ccda_samples.zip"),
    "hl7v2": ("hl7v2/hl7v2_messages.zip",),
}


def seeds_of(target: str, largest: int = LARGEST_SEED) -> list[bytes]:
    """The seeds of a target, hand-made ones first, then small pieces of these, then real files."""
    return [*_made(target), *_pieces(target), *(seed for seed in _real(target) if len(seed) <= largest)]


def _made(target: str) -> list[bytes]:
    files = seeds()
    as_json = [files["bundle.json"], files["packet.json"]]
    made: dict[str, list[bytes]] = {
        "json": [*as_json, b'{"a": [1, -2.5e3, "\\u00e9", null, true]}'],
        "fhir": [files["bundle.json"]],
        "fhir-streamed": [files["bundle.json"]],
        "ndjson": [files["lines.ndjson"], files["packets.jsonl"]],
        "phenopacket": [files["packet.json"]],
        "ccda": [files["document.xml"]],
        "hl7v2": [files["message.hl7"]],
        "csv": [files["table.csv"]],
        "text": [files["note.txt"], RTF],
        "markup": [HTML, RTF],
        "zip": [files["all.zip"]],
        "gzip": [files["lines.ndjson.gz"], gzip.compress(files["table.csv"])],
        "update": [_update()],
        "base": [_base()],
        "model": [write_tensors(some_delta()), *_version()],
        "onnx": [b"\x08\x08\x12\x01x:\x10\n\x06\n\x01a\x12\x01b*\x06\x08\x02\x10\x01B\x01w"],
        "ontology": [OBO.encode(), HPOA.encode(), GENES.encode()],
        "rules": [RULES, files_of("resources.rules").joinpath("laboratory.toml").read_bytes()[:1_000]],
        "packs": _packs(),
        "patients": [PATIENTS.encode(), gzip.compress(PATIENTS.encode(), mtime=0)],
        "policy": [POLICY],
        "trust": [TRUST, new_coordinator().to_text().encode()],
        "encoder": [b'{"model_type": "bert", "hidden_size": 384}', TOKENIZER],
        "frames": [_frame()],
    }
    return made[target]


def _packs() -> list[bytes]:
    """TOML, CSV and every product of Orphanet."""
    products = (
        references(reference("1"), reference("2", relation=7)),
        genes(gene("FIT1"), gene("NEW1")),
        ages("Adult", "Autosomal recessive"),
        prevalences(
            prevalence("Point prevalence", "1-9 / 100 000"), prevalence("Cases/families", "", mean="4.0")
        ),
    )
    return [text.encode() for text in (TOML, CSV, XML, *(product(inside) for inside in products))]


def _pieces(target: str) -> Iterator[bytes]:
    """A large file's parts, each a file of its kind: small ones are read many times in a large one's time."""
    files = seeds()
    if target == "hl7v2":
        header, patient, *segments = files["message.hl7"].split(b"\r")
        yield from (b"\r".join([header, patient, segment, b""]) for segment in segments)
    if target in ("ndjson", "gzip"):
        for line in files["lines.ndjson"].splitlines():
            yield gzip.compress(line) if target == "gzip" else line
    if target == "zip":
        for name in ("note.txt", "table.csv", "packet.json", "message.hl7", "lines.ndjson.gz"):
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name, files[name])
            yield packed.getvalue()


def _real(target: str) -> Iterator[bytes]:
    if not SHARED.is_dir():
        return
    kind = "fhir" if target in ("json", "fhir-streamed", "ndjson") else target
    for archive in _ARCHIVES.get(kind, ()):
        for data in _members(SHARED / archive):
            yield json.dumps(json.loads(data)).encode() if target == "ndjson" else data
    if target in ("phenopacket", "json"):
        with gzip.open(SHARED / "phenopackets" / "dev_cases.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line, _ in zip(lines, range(40), strict=False):
                yield json.dumps(_packet(json.loads(line))).encode()
    if target == "text":
        with gzip.open(SHARED / "texts" / "mtsamples_b.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line, _ in zip(lines, range(20), strict=False):
                yield max((v for v in json.loads(line).values() if isinstance(v, str)), key=len).encode()
    if target == "csv":
        yield (SHARED / "texts" / "imcs_symptom_norm_zh.csv").read_bytes()[:2_000]


def _members(path: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir() and info.file_size <= LARGEST_SEED:
                yield archive.read(info)


def _packet(case: dict[str, object]) -> dict[str, object]:
    """A published case as a phenopacket."""
    observed, excluded = case.get("observed") or [], case.get("excluded") or []
    assert isinstance(observed, list)
    assert isinstance(excluded, list)
    features: list[object] = [{"type": {"id": term}} for term in observed]
    features += [{"type": {"id": term}, "excluded": True} for term in excluded]
    return {"id": case["id"], "subject": {"id": case["id"]}, "phenotypicFeatures": features, "metaData": {}}


def _update() -> bytes:
    payload = write_payload(some_delta())
    said = write_statement(statement(), sha256(payload))
    return pack(UPDATE_MAGIC, sign_statement(said, [signer_of(SITE), signer_of(OFFICER)]), payload)


def _base() -> bytes:
    said = BaseStatement(
        round=1, base="0" * 64, updates=("1" * 64,), method="mean", labels="a" * 64,
        encoder="b" * 64, epsilon=2.0, delta=1e-5,
    )  # fmt: skip
    return write_base(said, some_delta(), private_key=DESK)


def _version() -> list[bytes]:
    """A card, a graph template and a training result, as bytes."""
    card = ModelCard(
        title="t", base_version="", scope="head", encoder="e", encoder_sha256="0" * 64, label_count=2
    )
    template = GraphTemplate(b"graph", (Fill("w", "head.weight", FillKind.FLOAT),))
    result = TrainingResult("run-1", "base", "head", b"tensors")
    return [msgspec.json.encode(card), msgspec.msgpack.encode(template), result.to_bytes()]


def _frame() -> bytes:
    stream = io.BytesIO()
    item = ImportedItem("Patient", "line 1", (Patient(PatientId("p"), "Ada"),), remarks=("left out",))
    write_frame(stream, {"kind": "items", "origin": "0" * 64, "items": [pack_item(item)]})
    return stream.getvalue()
