"""Random edits of the audit table of a real vault, by one who holds its key: `audit verify` finds each.

A field or a signature altered; events removed, also with the others numbered anew; two exchanged; the end cut
off; one inserted, doubled, or replayed from another vault or another course of the same vault; the chain
mended after an edit, unsigned, or signed with the keys that the vault had.
"""

import io
import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from app.cli.main import main
from app.clinical.audit_event import AuditEvent
from app.store.audit_chain import REKEYED, AuditChain, link_hash
from app.store.database import NAME, connect
from app.store.key_derivation import subkey
from app.store.vault import Vault
from tests.app.store.prepared_rekey import prepare_rekey
from tests.faults.call_faults import Tally
from tests.faults.deeds import FAST, SECRET, open_it

Row = tuple[Any, ...]  # sequence, at, user, action, record_id, detail, hash, signature
HASH, SIGNATURE, FIELDS = 6, 7, 7
_FOUND = "the audit chain is broken at event"


class Scene(NamedTuple):
    """A vault whose key was changed once, its log, and rows that were never in it."""

    path: Path
    keys: tuple[bytes, bytes]  # the data key before and after the change
    rows: list[Row]
    foreign: list[Row]  # of another vault
    forked: list[Row]  # of another course of this vault, under the same keys
    triggers: list[str]


Edit = Callable[[Scene, list[Row], int, random.Random], list[Row]]


def audit_edits(scratch: Path, *, edits: int, dice: random.Random) -> Iterator[Tally]:
    """So many edits, each in a copy of the vault, verified as the command line does it."""
    scene = make_scene(scratch / "audited")
    untouched = verified(scene.path)
    if untouched:
        yield Tally("audit log, untouched", 1, (f"is said to be broken: {untouched}",))
    problems, kinds = list[str](), dict.fromkeys(EDITS, 0)
    for turn in range(edits):
        kind = list(EDITS)[turn % len(EDITS)]
        kinds[kind] += 1
        rows = _edited(scene, kind, dice)
        folder = scratch / "edited"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(scene.path, folder)
        _write(folder / NAME, scene, rows)
        said = verified(folder)
        if _FOUND not in said:
            problems.append(f"{kind} (edit {turn}): {said or 'passed in silence'}")
    remark = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    yield Tally("audit log edited", edits, tuple(problems), f"({remark})")


def verified(path: Path) -> str:
    """What `anamnesis audit verify` refuses the vault for; empty where it is content."""
    said, words = (
        io.StringIO(),
        ["audit", "verify", "--vault", str(path), "--user", "ann", "--passphrase-stdin"],
    )
    secret = patch.object(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    with redirect_stdout(io.StringIO()), redirect_stderr(said), secret:
        code = main(words)
    return said.getvalue().strip() if code else ""


def make_scene(folder: Path) -> Scene:
    """The vaults, closed."""
    folder.mkdir(parents=True)
    keys = list[bytes]()
    for name in ("v", "other"):
        Vault.create(folder / name, user="ann", passphrase=SECRET, kdf=FAST)[0].close()
        with open_it(folder / name) as vault:
            keys.append(vault.data_key())
            vault.set_setting("kept", name)
            vault.audit("differential-shown", "p-1", f"model {name}")
        prepare_rekey(open_it(folder / name), passphrase=SECRET).commit()
        with open_it(folder / name) as vault:
            keys.append(vault.data_key())
            vault.audit("differential-shown", "p-2", "model b")
    shutil.copytree(folder / "v", folder / "fork")
    for name in ("v", "fork"):
        with open_it(folder / name) as vault:
            for turn in range(3):
                vault.audit("differential-shown", f"p-{turn}", f"model {name}")
    rows = {name: _rows(folder / name) for name in ("v", "other", "fork")}
    forked = [row for row in rows["fork"] if row not in rows["v"]]
    with open_it(folder / "v", read_only=True) as vault:
        triggers = vault.session().rows(
            "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'"
        )
    return Scene(
        folder / "v", (keys[0], keys[1]), rows["v"], rows["other"], forked, [sql for (sql,) in triggers]
    )


def _rows(path: Path) -> list[Row]:
    with open_it(path, read_only=True) as vault:
        return vault.session().rows("SELECT * FROM audit_event ORDER BY sequence")


def _write(database: Path, scene: Scene, rows: Sequence[Row]) -> None:
    """The table as edited, its triggers as they were: nothing else tells of it."""
    connection = connect(database, subkey(scene.keys[1], "database"), read_only=False)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for sql in scene.triggers:
        connection.execute(f"DROP TRIGGER {sql.split()[2]}")
    connection.execute("DELETE FROM audit_event")
    connection.executemany("INSERT INTO audit_event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    for sql in scene.triggers:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.close()


def _edited(scene: Scene, kind: str, dice: random.Random) -> list[Row]:
    """Rows that differ from the vault's own."""
    while True:
        rows = list(scene.rows)
        edited = EDITS[kind](scene, rows, dice.randrange(len(rows)), dice)
        if edited != scene.rows:
            return edited


def _with(row: Row, place: int, value: object) -> Row:
    return (*row[:place], value, *row[place + 1 :])


def _numbered(rows: Sequence[Row]) -> list[Row]:
    return [_with(row, 0, number) for number, row in enumerate(rows, start=1)]


def _field(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    place = dice.randrange(FIELDS)
    value = rows[at][place]
    if place == 0:
        free = set(range(-3, len(rows) + 4)) - {row[0] for row in rows}
        rows[at] = _with(rows[at], 0, dice.choice(sorted(free)))
    else:
        cut = dice.randrange(len(value) + 1)
        altered = (value[:cut] + dice.choice("x \0é7") + value[cut:], value[:cut], value.upper(), "")
        rows[at] = _with(rows[at], place, dice.choice(altered))
    return sorted(rows, key=lambda row: row[0])


def _kind_of_value(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    """The same signs as bytes instead of text, or the other way round: SQLite's columns take both."""
    place = dice.randrange(1, len(rows[at]))
    value = rows[at][place]
    rows[at] = _with(rows[at], place, value.hex() if isinstance(value, bytes) else value.encode())
    return rows


def _signature(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    signed = bytearray(rows[at][SIGNATURE])
    signed[dice.randrange(len(signed))] ^= 1 << dice.randrange(8)
    lengths = (
        bytes(signed),
        bytes(signed[:-1]),
        b"",
        rows[at][SIGNATURE] + b"\0",
        dice.choice(rows)[SIGNATURE],
    )
    rows[at] = _with(rows[at], SIGNATURE, dice.choice(lengths))
    return rows


def _delete(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    del rows[at : at + dice.randrange(1, 4)]
    return rows


def _delete_and_number(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    return _numbered(_delete(scene, rows, at, dice))


def _reorder(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    other = dice.randrange(len(rows))
    rows[at], rows[other] = rows[other], rows[at]
    return _numbered(rows)


def _truncate(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    return rows[:at]


def _insert(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    made = (0, rows[at][1], "mal", "records-imported", "", "", "0" * 64, dice.randbytes(64))
    return _numbered([*rows[:at], dice.choice([made, dice.choice(rows)]), *rows[at:]])


def _append(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    return _numbered([*rows, dice.choice([rows[at], dice.choice(scene.foreign)])])


def _replay(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    row = dice.choice(scene.foreign)
    rows[at : at + dice.randrange(2)] = [row]
    return _numbered(rows)


def _replay_all(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    return [*scene.foreign[:at], *rows[at:]] if dice.random() < 0.5 else [*rows[:at], *scene.foreign[at:]]


def _fork(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    """From the same vault's other course: every signature holds, and of a whole end every link."""
    first = scene.forked[0][0] - 1
    if dice.random() < 0.5:
        return [*rows[:first], *scene.forked[: dice.randrange(1, len(scene.forked) + 1)]]
    row = dice.choice(scene.forked)
    rows[row[0] - 1] = row
    return rows


def _mended(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    return _chained(scene, rows, at, sign=False)


def _signed_anew(scene: Scene, rows: list[Row], at: int, dice: random.Random) -> list[Row]:
    return _chained(scene, rows, at, sign=True)


def _chained(scene: Scene, rows: list[Row], at: int, *, sign: bool) -> list[Row]:
    """One event edited and every link after it mended, signed by whichever key was the vault's then."""
    former, present = (AuditChain(key) for key in scene.keys)
    change = next(row[0] for row in rows if row[3] == REKEYED)
    mended = rows[:at]
    for row in rows[at:]:
        event = AuditEvent(*row[:HASH])
        event = replace(event, record_id=f"{event.record_id}x") if row is rows[at] else event
        previous = mended[-1][HASH] if mended else ""
        if sign:
            signer = former if row[0] <= change else present
            linked, signature = signer.next_event(event, previous=previous)
        else:
            linked, signature = replace(event, hash=link_hash(event, previous)), row[SIGNATURE]
        mended.append((*row[:4], linked.record_id, row[5], linked.hash, signature))
    return mended


EDITS: dict[str, Edit] = {
    "field": _field,
    "kind of value": _kind_of_value,
    "signature": _signature,
    "delete": _delete,
    "delete and number": _delete_and_number,
    "reorder": _reorder,
    "truncate": _truncate,
    "insert": _insert,
    "append": _append,
    "replay": _replay,
    "replay all": _replay_all,
    "fork": _fork,
    "mended": _mended,
    "signed anew": _signed_anew,
}
