"""Who finds the writer's place taken is told by whom."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from app.errors import VaultLocked
from app.store.place_holder import PlaceHolder
from app.store.writer_lock import NAME, WriterLock

SINCE = "2026-01-02T03:04:05.678Z"


def holder(*words: str, user: str = "okafor") -> PlaceHolder:
    return PlaceHolder.this_process(["anamnesis", *words], user=user, since=SINCE)


def refusal(folder: Path) -> str:
    with pytest.raises(VaultLocked) as refused:
        WriterLock(folder)
    return str(refused.value)


@pytest.mark.parametrize(
    ("words", "deed"),
    [
        (("train", "--vault", "v"), "`anamnesis train`"),
        (("self-test",), "`anamnesis self-test`"),
        ((), "a window"),
        (("--vault", "v"), "a window"),
        (("/home/okafor/north.vault",), "a window"),
    ],
)
def test_a_process_is_known_by_its_verb(words: tuple[str, ...], deed: str) -> None:
    assert holder(*words).deed == deed


def test_the_refusal_names_verb_person_time_and_process(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path)
    lock.tell(holder("train"))
    told = refusal(tmp_path)
    assert "(`anamnesis train` of okafor since 2026-01-02 " in told
    assert f"process {os.getpid()})" in told
    lock.tell(replace(holder(), deed="a training run that ends its block"))
    assert "(a training run that ends its block of okafor since" in refusal(tmp_path)
    lock.release()
    assert (tmp_path / NAME).read_bytes() == b""
    WriterLock(tmp_path).release()


@pytest.mark.parametrize("said", [b"", b"\x00\xff", b"[]", b'{"deed":"x"}', b'{"deed":' * 2000])
def test_a_file_of_another_form_says_nothing(tmp_path: Path, said: bytes) -> None:
    lock = WriterLock(tmp_path)
    (tmp_path / NAME).write_bytes(said)
    assert "in another window or process; let that one end" in refusal(tmp_path)
    lock.release()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pid", 10**12),
        ("pid", 10**25),
        ("since", "0001-01-01T00:00:00+14:00"),
        ("since", "9999-12-31T23:59:59-14:00"),
        ("since", "tomorrow"),
    ],
)
def test_numbers_and_times_that_no_machine_has_say_nothing(
    tmp_path: Path, field: str, value: str | int
) -> None:
    lock = WriterLock(tmp_path)
    said = {**msgspec.to_builtins(holder("train")), field: value}
    (tmp_path / NAME).write_text(json.dumps(said), "utf-8")
    assert "in another window or process; let that one end" in refusal(tmp_path)
    lock.release()


def test_what_is_told_is_short(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path)
    lock.tell(holder("train", user="o" * 3000))
    assert len(refusal(tmp_path)) < 500
    lock.release()


def test_what_is_told_stays_on_one_line(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path)
    lock.tell(holder("train", user="oka\nfor\x1b[2J"))
    assert "of okafor[2J since" in refusal(tmp_path)
    lock.release()


def test_what_a_killed_process_left_is_believed_no_more(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    lock = WriterLock(tmp_path)
    lock.tell(replace(holder("train"), pid=dead.pid))
    assert "okafor" not in refusal(tmp_path)
    lock.tell(replace(holder("train"), pid=dead.pid, machine="another"))
    assert f"process {dead.pid} on another)" in refusal(tmp_path)
    lock.release()
