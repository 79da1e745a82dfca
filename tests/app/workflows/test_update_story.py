"""Two hospitals, one coordinator and one round by the command line, from keys to the applied base."""

import io
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from app.cli.main import main
from app.config.policy import Policy
from app.store.vault import Vault
from app.workflows.aggregate_updates import aggregate_updates
from app.workflows.apply_update import ApplyPlan
from app.workflows.export_update import export_update
from app.workflows.find_base import base_of_version, installed_bases, starting_base
from app.workflows.list_models import current_version
from app.workflows.review_update import review_update
from app.workflows.roll_back import roll_back
from app.workflows.verify_update import CoordinatorDesk, verify_update
from ml.errors import UpdateRefused
from ml.federated.aggregation import AggregationPlan
from ml.federated.coordinator import read_coordinator
from tests.app.workflows.federated_site import OFFICER, PASSPHRASE, debit, keys_of, new_site, train_pretended

pytestmark = pytest.mark.slow


class Shell:
    """Runs verbs as a shell does: exit code, one JSON result, what was said on stderr."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self._patch, self._captured = monkeypatch, capsys

    def __call__(self, *words: object, stdin: str = "", code: int = 0) -> dict[str, object]:
        self._patch.setattr("sys.stdin", io.StringIO(stdin))
        assert main(["update", *(str(w) for w in words), "--json"]) == code
        out, self.said = self._captured.readouterr()
        return dict(json.loads(out)) if out else {}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], public_cache: Path) -> Shell:
    """A new version is compared with torch on few texts."""
    monkeypatch.setenv("ANAMNESIS_CACHE", str(public_cache))
    monkeypatch.setattr("app.workflows.apply_update.ApplyPlan", partial(ApplyPlan, probes=28, threads=1))
    return Shell(monkeypatch, capsys)


def test_two_sites_one_round_by_the_command_line(shell: Shell, tmp_path: Path) -> None:
    """One story, since applying a base exports it, which takes seconds."""
    keys = tmp_path / "coordinator.key"
    told = shell("new-coordinator", keys)
    shell("new-coordinator", keys, code=2)
    _export_from_two_sites(shell, tmp_path, str(told["recipient"]))
    desk = ("--identity", keys, "--trust", tmp_path / "trust.toml")
    north, south = tmp_path / "north.fedupdate", tmp_path / "south.fedupdate"
    shell("verify", north, *desk)
    _altered_is_refused(shell, south, desk)
    assert "site north, round 1" in str(shell("inspect", north, "--identity", keys)["lines"])
    base = tmp_path / "round1.fedbase"
    made = shell("aggregate", south, north, *desk, "--to", base)
    assert (made["round"], made["epsilon"]) == (1, 2.5)
    assert str(made["base"]) in str(shell("inspect", base)["lines"])
    shell("aggregate", north, south, *desk, "--to", tmp_path / "again.fedbase", code=1)
    assert "replay" in shell.said
    _apply_and_go_on(shell, tmp_path, base, str(told["coordinator_key"]))


def _export_from_two_sites(shell: Shell, folder: Path, recipient: str) -> None:
    trust = []
    for name, bias in (("north", 0.2), ("south", 0.4)):
        with new_site(folder / f"{name}.vault", "unnamed") as vault:
            debit(vault)
            train_pretended(vault, bias=bias)
        site = ("--vault", folder / f"{name}.vault", "--user", "ada", "--passphrase-stdin")
        keys = shell("keys", *site, "--site", name, stdin=f"{PASSPHRASE}\n")
        officer = dict(keys["officer_keys"])["olga"]  # type: ignore[call-overload]
        trust.append(f'[sites.{name}]\nsite_key = "{keys["site_key"]}"\nofficer_key = "{officer}"\n')
        file = folder / f"{name}.fedupdate"
        wanted = ("export", *site, "--recipient", recipient, "--to", file)
        assert "review" in shell(*wanted, stdin=f"{PASSPHRASE}\n", code=1)
        shell(*wanted, "--yes", stdin=f"{PASSPHRASE}\n{PASSPHRASE}\n", code=1)
        assert not file.exists()
        written = shell(*wanted, "--yes", stdin=f"{PASSPHRASE}\n{OFFICER}\n")
        assert written["bytes"] == file.stat().st_size
    (folder / "trust.toml").write_text("".join(trust))


def _altered_is_refused(shell: Shell, file: Path, desk: tuple[object, ...]) -> None:
    data, rng = file.read_bytes(), np.random.default_rng(4)
    altered = file.with_name("altered.fedupdate")
    for place in rng.integers(len(data), size=3):
        altered.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        shell("verify", altered, *desk, code=1)
        assert shell.said.count("\n") == 1


def _apply_and_go_on(shell: Shell, folder: Path, base: Path, coordinator_key: str) -> None:
    site = ("--vault", folder / "north.vault", "--user", "ada", "--passphrase-stdin")
    apply = ("apply", base, *site, "--notes", 8)
    shell(*apply, stdin=f"{PASSPHRASE}\n", code=1)
    applied = shell(*apply, "--coordinator-key", coordinator_key, stdin=f"{PASSPHRASE}\n")
    assert applied["round"] == 1
    shell(*apply, stdin=f"{PASSPHRASE}\n", code=1)
    assert "installed already" in shell.said
    with Vault.open(folder / "north.vault", user="ada", passphrase=PASSPHRASE) as vault:
        content = current_version(vault)
        assert content.version.version_id == applied["version"]
        (installed,) = installed_bases(vault)
        assert installed.base_id == base_of_version(vault, installed.version_id).base_id
        with pytest.raises(UpdateRefused, match="the federation's own base"):
            review_update(vault)
        train_pretended(vault, bias=0.1, base=content)
        review = review_update(vault)
        assert (review.round, review.base) == (2, installed.base_id)
        _verified_against_the_new_base(vault, folder, base)
        assert roll_back(vault, at="2025-02-01") == content.version


def _verified_against_the_new_base(vault: Vault, folder: Path, base: Path) -> None:
    from app.workflows.find_base import base_from_file
    from ml.federated.base_file import read_base
    from ml.text.encoder_files import find_encoder

    coordinator = read_coordinator((folder / "coordinator.key").read_text())
    file = read_base(base.read_bytes(), coordinator_key=coordinator.public_key)
    export_update(
        vault,
        review_update(vault),
        folder / "second.fedupdate",
        officer_passphrase=OFFICER,
        recipient=coordinator.recipient,
        policy=Policy(),
    )
    trusted = {"north": keys_of(vault)}
    desk = CoordinatorDesk(coordinator, trusted, base_from_file(file, find_encoder()), folder / "l.json")
    assert verify_update(folder / "second.fedupdate", desk).statement.round == 2
    with pytest.raises(UpdateRefused, match="trained from the base"):
        verify_update(folder / "second.fedupdate", replace(desk, base=starting_base()))
    with pytest.raises(UpdateRefused, match="2 updates or more"):
        aggregate_updates([folder / "second.fedupdate"], desk, AggregationPlan(), folder / "r2.fedbase")
