"""A whole session with canaries in names, numbers, notes and passphrases leaves none outside the vault."""

import base64
import gzip
import json
import os
import random
import signal
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.clinical.chart import Chart
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.exchange.fhir_writer import transaction_bundle
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.federated.coordinator import read_coordinator
from ml.federated.envelope import read_envelope
from ml.federated.package import UPDATE_MAGIC, unpack, unseal_with
from tests.app.cli.leak_search import (
    PARTS,
    PATIENTS,
    SECOND,
    SECRET,
    TAIL,
    canaries,
    files_below,
    found_in,
    is_number,
)
from tests.app.cli.watched_round import BASE, KEY, NORTH, publish_and_federate
from tests.app.cli.watched_session import FEW_TEXTS, WatchedSession

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")]
WINDOW = "tests.app.cli.window_session"
LABEL_AND_FAIL = """
import sys
import app.cli.main, app.cli.patients
from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import AnnotationId
from app.store.vault import Vault
from app.workflows.plan_training import declare_diseases
def label_all(vault):
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
def faulty(arguments, console):
    with Vault.open(arguments.vault, user=arguments.user, passphrase=sys.stdin.readline().rstrip()) as vault:
        label_all(vault)
        raise KeyError(" ".join(note.text for row in vault.patients() for note in vault.chart(row.id).notes))
app.cli.patients.run = faulty
sys.exit(app.cli.main.main(["patients", "--vault", sys.argv[1], "--user", "ann"]))
"""


def write_input(folder: Path) -> None:
    folder.mkdir()
    for number in range(PATIENTS):
        patient = PatientId(f"id-MRN{number:02d}{TAIL}")
        told = " ".join(f"Verbum{number:02d}{part}{TAIL}" for part in PARTS)
        name = f"Prae{number:02d}{TAIL} Nomen{number:02d}{TAIL}"
        text = f"{name} of Vico{number:02d}{TAIL}: tall stature, arachnodactyly, chorea. {told}"
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
    (folder.parent / "letter.txt").write_text(f"Verbum00a{TAIL} has seizures.", "utf-8")


@pytest.fixture(scope="module")
def session(
    tmp_path_factory: pytest.TempPathFactory, public_cache: Path, real_graph: CompiledGraph
) -> WatchedSession:
    folder = tmp_path_factory.mktemp("leaks")
    write_input(folder / "input")
    held = WatchedSession(folder, public_cache)
    home = held.watched / "home"
    held.verb("vault create")
    held.verb("vault status", stdin=f"{SECOND}\n", code=1)
    held.verb(f"import {folder / 'input'}")
    words = [str(folder / "letter.txt"), f"Nomen02{TAIL}", f"Verbum02a{TAIL}"]
    typed = f"{SECOND}\n{SECRET}\n"
    held.run("-m", WINDOW, str(held.vault), "ann", *words, stdin=typed, code=-signal.SIGSEGV)
    held.run("-c", LABEL_AND_FAIL, str(held.vault), code=1)
    held.verb(f"diagnose --patient MRN03{TAIL} --json")
    held.verb("diagnose --patient nobody", code=2)
    held.verb(
        "train --epsilon 3 --delta 1e-4 --steps 4 --sample-rate 0.5 --expected-patients 24 --threads 1",
        program=FEW_TEXTS,
    )
    held.verb(f"vault backup --to {home / 'backup'}")
    held.verb(f"audit export --out {home / 'audit.jsonl'}")
    held.verb("privacy")
    publish_and_federate(held, folder / "elsewhere")
    return held


def test_no_canary_is_written_outside_the_vault(session: WatchedSession) -> None:
    words = canaries()
    assert len(words) >= 200
    written = list(session.written_files())
    assert {"audit.jsonl", "window.json", KEY, NORTH, BASE} <= {path.name for path in written}
    for path in [*written, *files_below(session.vault)]:
        found = found_in(path.read_bytes(), words)
        allowed = is_number if path.name == "audit.jsonl" else lambda _word: False
        assert [word for word in found if not allowed(word)] == [], path.name


def test_no_canary_lies_inside_the_seal_of_an_update(session: WatchedSession) -> None:
    home = session.watched / "home"
    identity = read_coordinator((home / KEY).read_text("utf-8")).identity
    opened = unseal_with(identity, (home / NORTH).read_bytes())
    envelope, payload = unpack(UPDATE_MAGIC, opened)
    statement = read_envelope(envelope).payload
    assert b"north" in statement
    for part in (opened, statement, payload):
        assert found_in(part, canaries()) == []


def test_nothing_is_written_to_any_other_place(session: WatchedSession) -> None:
    inside = (str(session.watched), str(session.vault), str(session.log), "/dev/", "/proc/self/")
    written = {str(path) for path in session.noted("write") if isinstance(path, str)}
    assert any(path.startswith(str(session.vault)) for path in written)
    absolute = {path for path in written if os.path.isabs(path)}
    assert {path for path in absolute if not path.startswith(inside)} == set()


def test_native_code_leaves_no_canary_where_it_likes_to_write(session: WatchedSession) -> None:
    """What no audit hook of Python sees: new files in the usual places, outside the session's own folder."""
    begun = session.vault.stat().st_ctime - 300
    places = {Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path.home(), Path.cwd()}
    for place in (place for place in places if place.is_dir()):
        for path in (path for path in place.iterdir() if path.is_file() and not path.is_symlink()):
            if path.stat().st_mtime > begun and path.stat().st_size < 50 << 20 and os.access(path, os.R_OK):
                assert found_in(path.read_bytes(), canaries()) == [], path


def test_no_canary_is_said_or_handed_to_a_process(session: WatchedSession) -> None:
    words = [word for word in canaries() if not is_number(word)]
    assert "KeyError" in session.said
    assert "Segmentation fault" in session.said
    assert found_in(session.said.encode(), words) == []
    started = list(session.noted("start"))
    workers = ("train", "read", "export")
    assert all(f'"worker", "{name}"' in json.dumps(started) for name in workers)
    assert found_in(json.dumps(started).encode(), canaries()) == []


def test_no_process_shows_a_canary_in_its_arguments_or_environment(session: WatchedSession) -> None:
    """But those that this test itself gave: the record number asked for, the window script's words."""
    assert any(b"worker\0read" in seen for seen in session.seen)
    assert any(b"worker\0train" in seen for seen in session.seen)
    for seen in session.seen:
        if WINDOW.encode() not in seen and b"diagnose" not in seen:
            assert found_in(seen, canaries()) == []
        assert found_in(seen, canaries()[-3:]) == []  # the passphrases


def test_a_session_opens_no_connection(session: WatchedSession) -> None:
    assert list(session.noted("network")) == []


HIDDEN: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "capitals": bytes.upper,
    "UTF-16": lambda word: word.decode().encode("utf-16-le"),
    "hexadecimal": lambda word: word.hex().encode(),
    "base64": base64.b64encode,
    "base64, shifted": lambda word: base64.b64encode(b"xy" + word),
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "UTF-16 in zlib": lambda word: zlib.compress(word.decode().encode("utf-16-le")),
}


@pytest.mark.parametrize("form", HIDDEN)
@pytest.mark.parametrize("word", [canaries()[0], canaries()[150], SECRET.split()[0], SECOND.split()[1]])
def test_a_planted_canary_is_found_in_every_form(form: str, word: str) -> None:
    junk = random.Random(form).randbytes(5_000)
    assert found_in(junk + HIDDEN[form](b"note: " + word.encode() + b".") + junk, canaries()) == [word]
    assert found_in(junk, canaries()) == []


def test_a_planted_leak_of_every_kind_convicts(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tmp_path / "cache").mkdir()
    held = WatchedSession(tmp_path, tmp_path / "cache")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "leak.txt"
    word = canaries()[3]
    leaky = f"""
import os, socket, subprocess, sys
open("here.txt", "w").write("{word}"); open({str(elsewhere)!r}, "w").write("x")
environment = {{**os.environ, "NOTE": "{word}"}}
subprocess.run([sys.executable, "-c", "import time; time.sleep(1.5)", "{word}"], env=environment)
socket.socket(socket.AF_UNIX).connect_ex("/nobody/listens")
print("{word}")
"""
    held.run("-c", leaky)
    assert [path.name for path in held.written_files() if found_in(path.read_bytes(), [word])] == ["here.txt"]
    assert str(elsewhere) in list(held.noted("write"))
    assert found_in(held.said.encode(), [word]) == [word]
    assert found_in(json.dumps(list(held.noted("start"))).encode(), [word]) == [word]
    assert sum(bool(found_in(seen, [word])) for seen in held.seen if leaky.encode() not in seen) == 2
    assert len(list(held.noted("network"))) == 1
