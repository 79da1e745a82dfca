"""A whole session with canaries in names, numbers, notes and passphrases leaves none outside the vault."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.clinical.chart import Chart
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.exchange.fhir_writer import transaction_bundle
from knowledge_graph.graph.compiled_graph import CompiledGraph

ROOT = Path(__file__).parents[3]
WATCH = Path(__file__).with_name("leak_watch")
PATIENTS = 24
TAIL = "quinquagesima"
SECRET, SECOND = "zyzzogeton canary passphrase", "wrong quizzacious passphrase"
PLACES = {"HOME": "home", "TMPDIR": "tmp", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state"}
ANNOTATE = """
import sys
from pathlib import Path
from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import AnnotationId
from app.store.vault import Vault
from app.workflows.plan_training import declare_diseases
with Vault.open(Path(sys.argv[1]), user="ann", passphrase=sys.stdin.readline().rstrip()) as vault:
    declare_diseases(vault, ["OMIM:154700", "OMIM:143100"])
    for number, row in enumerate(vault.patients(limit=100)):
        note = vault.chart(row.id).notes[0]
        mark = Annotation(AnnotationId(f"a{number}"), note.id, 0, 5, "HP:0001166")
        vault.append_annotations([AnnotationEvent(AnnotationAction.ADD, mark, "ann", "2026")])
        disease = ("OMIM:154700", "OMIM:143100")[number % 2]
        vault.record_diagnosis(
            Diagnosis(row.id, disease, "a disease", Decision.CONFIRMED, "ann", "2026-01-04")
        )
    vault.search_notes("tall stature")
"""


def canaries() -> list[str]:
    """Two hundred words that stand nowhere else: names, record numbers, words of notes, passphrases."""
    words = [
        f"{kind}{number:02d}{TAIL}" for number in range(PATIENTS) for kind in ("Nomen", "Prae", "MRN", "Vico")
    ]
    words += [f"Verbum{number:02d}{part}{TAIL}" for number in range(PATIENTS) for part in "abcd"]
    return [*words, *SECRET.split()[:1], *SECOND.split()[1:2]]


def write_input(folder: Path) -> None:
    folder.mkdir()
    for number in range(PATIENTS):
        patient = PatientId(f"id-MRN{number:02d}{TAIL}")
        told = " ".join(f"Verbum{number:02d}{part}{TAIL}" for part in "abcd")
        name = f"Prae{number:02d}{TAIL} Nomen{number:02d}{TAIL}"
        text = f"{name} of Vico{number:02d}{TAIL}: tall stature, chorea. {told}"
        chart = Chart(
            Patient(
                patient,
                name,
                "1990-01-02",
                identifiers=(Identifier("urn:h", f"MRN{number:02d}{TAIL}"),),
            ),
            notes=(Note(NoteId(f"n-{number}"), patient, text, "Letter", "2026-01-02"),),
        )
        (folder / f"{number}.json").write_text(json.dumps(transaction_bundle(chart)), "utf-8")


class Session:
    """Runs verbs of the real program with every place it could write to inside one folder."""

    def __init__(self, folder: Path, cache: Path):
        self.vault, self.log = folder / "v.vault", folder / "watch.log"
        self.watched = folder / "watched"
        for name in PLACES.values():
            (self.watched / name).mkdir(parents=True)
        (self.watched / "cache").mkdir()
        for file in cache.iterdir():
            if file.is_file():
                os.link(file, self.watched / "cache" / file.name)
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{WATCH}{os.pathsep}{ROOT}",
            "PYTHONFAULTHANDLER": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "QT_QPA_PLATFORM": "offscreen",
            "ANAMNESIS_CACHE": str(self.watched / "cache"),
            "ANAMNESIS_TEST_WATCH": str(self.log),
            **{variable: str(self.watched / name) for variable, name in PLACES.items()},
        }
        self.said = ""

    def run(self, *words: str, stdin: str = f"{SECRET}\n", code: int = 0) -> None:
        done = subprocess.run(
            [sys.executable, *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.watched / "home",
            env=self.environment,
            check=False,
        )
        assert done.returncode == code, done.stderr[-2000:]
        self.said += done.stdout + done.stderr

    def verb(self, words: str, *, stdin: str = f"{SECRET}\n", code: int = 0) -> None:
        signed_in = f"--vault {self.vault} --user ann --passphrase-stdin".split()
        self.run("-m", "app", *words.split(), *signed_in, stdin=stdin, code=code)

    def noted(self, kind: str) -> Iterator[object]:
        for line in self.log.read_text("utf-8").splitlines():
            noted, what = json.loads(line)
            if noted == kind:
                yield what


@pytest.fixture(scope="module")
def session(
    tmp_path_factory: pytest.TempPathFactory, public_cache: Path, real_graph: CompiledGraph
) -> Session:
    folder = tmp_path_factory.mktemp("leaks")
    write_input(folder / "input")
    held = Session(folder, public_cache)
    held.verb("vault create")
    held.verb("vault status", stdin=f"{SECOND}\n", code=1)
    held.verb(f"import {folder / 'input'}")
    held.run("-c", ANNOTATE, str(held.vault))
    held.verb(f"diagnose --patient MRN03{TAIL} --json")
    held.verb("diagnose --patient nobody", code=2)
    held.verb("train --epsilon 3 --delta 1e-4 --steps 4 --sample-rate 0.5 --expected-patients 24 --threads 1")
    held.verb(f"vault backup --to {held.watched / 'home' / 'backup'}")
    held.verb(f"audit export --out {held.watched / 'home' / 'audit.jsonl'}")
    held.verb("privacy")
    return held


def encodings(word: str) -> Iterator[bytes]:
    yield word.casefold().encode("utf-8")
    yield word.casefold().encode("utf-16-le")
    yield word.encode("utf-8").hex().encode()
    for shift in range(3):  # a word of twelve letters or more, so that no random bytes look like it
        whole = base64.b64encode(b"\0" * shift + word.encode("utf-8"))
        yield whole[4 if shift else 0 : -4].lower()


def found_in(data: bytes, words: list[str]) -> list[str]:
    lowered = data.lower()
    return [word for word in words if any(form in lowered for form in encodings(word))]


def in_clear(word: str) -> bool:
    """Record numbers are ids: they stand in the audit log by design, everything else never does."""
    return word.startswith("MRN")


@pytest.mark.slow
def test_no_canary_is_written_outside_the_vault(session: Session) -> None:
    words = canaries()
    assert len(words) >= 190
    cache = session.watched / "cache"
    files = [p for p in session.watched.rglob("*") if p.is_file()]
    for path in [*files, *(p for p in session.vault.rglob("*") if p.is_file())]:
        if path.parent == cache and path.stat().st_nlink > 1:
            continue  # public, and there before the session
        found = found_in(path.read_bytes(), words)
        allowed = path.name == "audit.jsonl"
        assert [w for w in found if not (allowed and in_clear(w))] == [], path.name


@pytest.mark.slow
def test_nothing_is_written_to_any_other_place(session: Session) -> None:
    inside = (str(session.watched), str(session.vault), str(session.log), "/dev/", "/proc/self/")
    written = {str(path) for path in session.noted("write") if isinstance(path, str)}
    assert any(path.startswith(str(session.vault)) for path in written)
    absolute = {path for path in written if os.path.isabs(path)}
    assert {path for path in absolute if not path.startswith(inside)} == set()


@pytest.mark.slow
def test_no_canary_is_said_or_handed_to_a_process(session: Session) -> None:
    words = [word for word in canaries() if not in_clear(word)]
    assert found_in(session.said.encode(), words) == []
    started = list(session.noted("start"))
    assert any("worker" in json.dumps(what) for what in started)
    assert found_in(json.dumps(started).encode(), canaries()) == []


@pytest.mark.slow
def test_a_session_opens_no_connection(session: Session) -> None:
    assert list(session.noted("network")) == []
