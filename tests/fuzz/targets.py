"""What is fuzzed: each target takes any bytes and raises where a reader does what it promised not to.

A promise kept is a value or one refusal of the reader's own kind. Everything else is a finding.
"""

import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import msgspec
import rfc8785

from app.config.policy import read_policy
from app.errors import ImportRefused, PolicyError, ReaderEnded
from app.exchange.item import ImportedItem, ReadLimits
from app.exchange.note_text import attachment_text, plain_text
from app.exchange.reader import ReadPlan, learn, read_records
from app.exchange.rtf_text import rtf_text
from app.exchange.source_file import SourceFile, members_of
from app.exchange.strict_json import load_json, storable_text
from app.workflows.foreign_gate import PackedItems, understood
from knowledge_graph.errors import KnowledgeError
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.rules.rule_file import read_rules
from knowledge_graph.sources.association import parse_associations
from knowledge_graph.sources.ddxplus_patients import counted
from knowledge_graph.sources.gene import parse_gene_links
from knowledge_graph.sources.ontology import parse_ontology
from knowledge_graph.sources.pack_reading import read_pack
from ml.errors import MlError
from ml.federated.base_file import read_base
from ml.federated.coordinator import read_coordinator
from ml.federated.envelope import read_envelope
from ml.federated.package import UPDATE_MAGIC, unpack
from ml.federated.payload import read_payload, sha256
from ml.federated.statement import UpdateStatement, read_statement
from ml.federated.trust_file import read_trust
from ml.frames import read_frame
from ml.inference.external_data import refuse_external_data
from ml.inference.graph_template import GraphTemplate
from ml.registry.model_version import CARD_FILE, described
from ml.registry.tensor_file import read_tensors
from ml.registry.training_result import TrainingResult
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from tests.app.exchange.hostile_seeds import CANARY
from tests.fuzz.scratch import scratch_file
from tests.knowledge_graph.mini_release import mini_graph

LONGEST_LINE = 2_000
LIMITS = ReadLimits(largest_document=1 << 20, largest_unpacked=4 << 20, most_members=50)
Target = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class MemoryFile(SourceFile):
    """A file that lies in memory."""

    data: bytes = b""

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


def imported(name: str, *, limits: ReadLimits = LIMITS) -> Target:
    """Reads bytes as a file of a name would be, both passes."""

    def target(data: bytes) -> None:
        file = MemoryFile(scratch_file(name), limits=limits, data=data)
        check_import([file], ReadPlan(limits=limits))

    return target


def packed(name: str) -> Target:
    """Reads bytes as an archive or a gzip file, from a real file."""

    def target(data: bytes) -> None:
        path = scratch_file(name)
        path.write_bytes(data)
        files = members_of(path, LIMITS)
        try:
            check_import(files, ReadPlan(limits=LIMITS))
        finally:
            for file in files[:1]:
                if file.archive is not None:
                    file.archive.close()

    return target


def check_import(files: list[SourceFile], plan: ReadPlan) -> None:
    """Every record can be stored, every line is one short line without content."""
    lines: list[str] = []
    readable = []
    for file in files:
        try:
            for _ in learn(file, plan):
                continue
            readable.append(file)
        except ImportRefused as refused:
            lines.append(str(refused))
    for file in readable:
        try:
            for item in read_records(file, plan):
                lines += [item.skipped, *item.remarks, item.place]
                check_records(item)
        except ImportRefused as refused:
            lines.append(str(refused))
    for line in lines:
        assert len(line.splitlines()) < 2, "a message of several lines"
        assert len(line) < LONGEST_LINE, "a message without end"
        assert CANARY not in line, "a message that holds content"


def check_records(item: ImportedItem) -> None:
    """Records or a reason; nothing that a store or a screen can't hold."""
    assert item.records or item.skipped, "an item without records and without a reason"
    for record in item.records:
        back = msgspec.json.decode(msgspec.json.encode(record), type=type(record))
        assert back == record, "a record that does not come back"
        assert b"\\u0000" not in msgspec.json.encode(record), "a NUL in a record"


def strict_json(data: bytes) -> None:
    """What passes is what Python's own parser sees; what it can't parse never passes."""
    try:
        value = load_json(data, name="f")
    except ImportRefused:
        return
    assert value == storable(json.loads(data.decode("utf-8-sig"))), "not what Python's own parser sees"
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")


def storable(value: object) -> object:
    """A JSON value with the replacements that the strict loader promises."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, list):
        return [storable(part) for part in value]
    if isinstance(value, dict):
        return {storable_text(key): storable(part) for key, part in value.items()}
    return value


def markup(data: bytes) -> None:
    """Any markup and any RTF become text that can be kept."""
    text = data.decode("utf-8", "replace")
    for told in (plain_text(text), rtf_text(data.decode("latin-1"))):
        told.encode("utf-8")
    head, _, body = data.partition(b"\n")
    kind = head.decode("latin-1")
    told, _ = attachment_text({"contentType": kind, "data": body.decode("latin-1")})
    told.encode("utf-8")
    assert "\0" not in told, "a NUL in a text"


def refusing(*deeds: Callable[[bytes], object], allowed: tuple[type[Exception], ...]) -> Target:
    """Deeds that give something or refuse in one line of their own kind."""

    def target(data: bytes) -> None:
        for deed in deeds:
            said = "nothing"
            try:
                deed(data)
            except allowed as refused:
                said = str(refused)
            assert len(said.splitlines()) == 1, "a refusal of several lines"
            assert len(said) < LONGEST_LINE, "a refusal without end"

    return target


def opened_update(data: bytes) -> None:
    """What a coordinator does with an update's plain text before any signature is known."""
    envelope_bytes, payload = unpack(UPDATE_MAGIC, data)
    read_statement(read_envelope(envelope_bytes).payload, UpdateStatement)
    read_payload(payload)


def lines_of(data: bytes) -> list[str]:
    """As an opened text file gives them."""
    return data.decode("utf-8", "replace").splitlines(keepends=True)


def version(data: bytes) -> None:
    """A model version's manifest, and a card whose hash is right."""
    described(rfc8785.dumps({"files": {CARD_FILE: sha256(data)}}), data)
    described(data, b"{}")


def graph_template(data: bytes) -> None:
    """A version's graph, as it is packed."""
    GraphTemplate.from_bytes(zlib.compress(data, 1))


def frames(data: bytes) -> Iterator[ImportedItem]:
    """What the program believes of a reader's answers."""
    stream = io.BytesIO(data)
    while (frame := read_frame(stream, 1 << 20)) is not None:
        yield from PackedItems("f", "", understood(frame).items).opened()


def rules(data: bytes) -> None:
    """A hospital's rules: read, or told with short lines."""
    read = read_rules(data.decode("utf-8-sig", "replace"), origin="f.toml")
    for problem in read.problems:
        assert problem.line >= 1, "a problem in no line"
        assert len(problem.message.splitlines()) == 1, "a problem of several lines"
        assert len(problem.message) < LONGEST_LINE, "a problem without end"


def on_disk(name: str, deed: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A reader of files of that name, for bytes."""

    def read(data: bytes) -> object:
        path = scratch_file(name)
        path.write_bytes(data)
        return deed(path)

    return read


def laid_pack(path: Path) -> object:
    """A knowledge pack, laid over a small graph."""
    return overlaid(small_graph(), [read_pack(path)])


@cache
def small_graph() -> CompiledGraph:
    """What packs are laid over."""
    return mini_graph(scratch_file("mini"))


def toml_of(deed: Callable[[str], object]) -> Callable[[bytes], object]:
    """A reader of text, for bytes."""
    return lambda data: deed(data.decode("utf-8-sig", "replace"))


def encoder(data: bytes) -> None:
    """The configuration and the tokenizer of an encoder that a site has named."""
    folder = scratch_file("encoder")
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_bytes(data)
    (folder / "tokenizer.json").write_bytes(data)
    (folder / "model.safetensors").write_bytes(data)
    TextTokenizer(find_encoder(folder).tokenizer_json)


MODEL = (MlError,)
TARGETS: dict[str, Target] = {
    "json": strict_json,
    "fhir": imported("f.json"),
    "fhir-streamed": imported("f.json", limits=ReadLimits(largest_document=300)),
    "ndjson": imported("f.ndjson"),
    "phenopacket": imported("f.phenopacket"),
    "ccda": imported("f.xml"),
    "hl7v2": imported("f.hl7"),
    "csv": imported("f.csv"),
    "text": imported("f.txt"),
    "markup": markup,
    "zip": packed("f.zip"),
    "gzip": packed("f.ndjson.gz"),
    "update": refusing(opened_update, allowed=MODEL),
    "base": refusing(lambda data: read_base(data, coordinator_key=None), allowed=MODEL),
    "model": refusing(
        *(read_tensors, GraphTemplate.from_bytes, graph_template, version, TrainingResult.from_bytes),
        allowed=MODEL,
    ),
    "onnx": refusing(refuse_external_data, allowed=MODEL),
    "ontology": refusing(
        lambda data: parse_ontology(lines_of(data), name="f.obo"),
        lambda data: list(parse_associations(lines_of(data), name="f.hpoa")),
        lambda data: parse_gene_links(lines_of(data), name="f.txt"),
        allowed=(KnowledgeError,),
    ),
    "rules": rules,
    "packs": refusing(
        *(on_disk(name, laid_pack) for name in ("f.toml", "f.csv", "f.xml")), allowed=(KnowledgeError,)
    ),
    "patients": refusing(
        *(on_disk(name, counted) for name in ("f.csv", "f.zip", "f.csv.gz")), allowed=(KnowledgeError,)
    ),
    "policy": refusing(toml_of(lambda text: read_policy(text, Path("p.toml"))), allowed=(PolicyError,)),
    "trust": refusing(toml_of(read_trust), toml_of(read_coordinator), allowed=MODEL),
    "encoder": refusing(encoder, allowed=MODEL),
    "frames": refusing(
        lambda data: list(frames(data)),
        allowed=(MlError, ReaderEnded, msgspec.MsgspecError),
    ),
}
