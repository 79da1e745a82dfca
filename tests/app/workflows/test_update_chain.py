"""From two hospitals to a new base and back, by the command line; and what is refused on the way."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from app.cli.main import main
from app.config.policy import Policy
from app.errors import PolicyError, UsageError, VaultLocked
from app.store.backup import EPSILON_FLOOR, UNKNOWN
from app.store.vault import Vault
from app.workflows.apply_update import ApplyPlan, apply_update
from app.workflows.export_update import export_update
from app.workflows.find_base import base_of_version, installed_bases, starting_base
from app.workflows.inspect_update import inspect_update
from app.workflows.list_models import current_version, load_version, model_store
from app.workflows.review_update import declare_weight, name_site, review_update
from app.workflows.roll_back import roll_back
from app.workflows.verify_update import CoordinatorDesk, verify_update
from ml.errors import UpdateRefused
from ml.federated.base_file import write_base
from ml.federated.coordinator import Coordinator, new_coordinator
from ml.federated.statement import BaseStatement
from ml.federated.trust_file import read_trust
from ml.registry.model_version import (
    CARD_FILE,
    LABELS_FILE,
    MANIFEST_FILE,
    TENSORS_FILE,
    VersionId,
    pack_version,
)
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors, write_tensors
from tests.app.workflows.federated_site import (
    OFFICER,
    PASSPHRASE,
    debit,
    keys_of,
    new_site,
    train_pretended,
)
from tests.ml.federated.small_federation import CLAIM

pytestmark = pytest.mark.slow


@dataclass
class Federation:
    """A folder, a coordinator and one site."""

    folder: Path
    coordinator: Coordinator
    vault: Vault

    def desk(self) -> CoordinatorDesk:
        trusted = {"north": keys_of(self.vault)}
        return CoordinatorDesk(self.coordinator, trusted, starting_base(), self.folder / "ledger.json")

    def export(self, name: str = "north.fedupdate", *, policy: Policy | None = None) -> Path:
        path = self.folder / name
        export_update(
            self.vault,
            review_update(self.vault),
            path,
            officer_passphrase=OFFICER,
            recipient=self.coordinator.recipient,
            policy=policy or Policy(),
        )
        return path


ROWS = len(starting_version().labels)
MOVED = len(range(0, ROWS, 100))  # the rows that a pretended training moves


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    with new_site(tmp_path / "north.vault", "north") as vault:
        debit(vault)
        train_pretended(vault, bias=0.5)
        yield Federation(tmp_path, new_coordinator(), vault)


def test_a_review_says_what_leaves_and_what_stays(federation: Federation) -> None:
    review = review_update(federation.vault)
    text = " ".join(" ".join(review.lines).split())
    assert max(map(len, review.lines)) <= 100
    assert (review.site, review.round, review.weight, review.epsilon) == ("north", 1, 1, 2.5)
    assert [(t.name, t.shape) for t in review.tensors] == [("head.bias", (ROWS,))]
    for wanted in (
        f"head.bias: {ROWS:,} numbers",
        "epsilon 2.5",
        "does not hold: texts",
        "factor of at most 12.2",
        "1 in 100 becomes 11 in 100",
        "a chance of 1 in 100,000",
        f"only the rows of {MOVED} diseases differ",
        f"which they are: {', '.join(starting_version().labels[:600:100])} and {MOVED - 6} more",
        "can't be called back",
    ):
        assert wanted in text


def test_a_file_holds_what_was_reviewed_and_is_audited(federation: Federation) -> None:
    declare_weight(federation.vault, 300)
    path = federation.export()
    update = verify_update(path, federation.desk())
    change = np.float32(0.5) * (np.arange(ROWS) % 100 == 0)
    np.testing.assert_allclose(update.delta["head.bias"], change, atol=1e-5)
    assert (update.statement.weight, update.statement.privacy) == (300, CLAIM)
    assert "update-exported" in [event.action for event in federation.vault.audit_events(5)]
    lines = inspect_update(path, federation.coordinator.identity)
    assert any("site north, round 1" in line for line in lines)
    with pytest.raises(UpdateRefused, match="--identity"):
        inspect_update(path, None)


def test_what_may_not_leave_is_refused_and_no_file_is_written(federation: Federation) -> None:
    vault, path = federation.vault, federation.folder / "x.fedupdate"
    review = review_update(vault)
    good = {"officer_passphrase": OFFICER, "recipient": federation.coordinator.recipient, "policy": Policy()}
    for wrong, error in (
        ({"policy": Policy(export_allowed=False)}, PolicyError),
        ({"officer_passphrase": PASSPHRASE}, VaultLocked),
        ({"recipient": "age1nobody"}, UpdateRefused),
    ):
        with pytest.raises(error):
            export_update(vault, review, path, **(good | wrong))  # type: ignore[arg-type]
        assert not path.exists()
    federation.export("x.fedupdate")
    with pytest.raises(UsageError, match="already"):
        federation.export("x.fedupdate")


def test_a_version_without_a_promise_that_the_ledger_backs_is_refused(federation: Federation) -> None:
    vault = federation.vault
    train_pretended(vault, bias=0.7, claim=replace(CLAIM, epsilon=0.0))
    with pytest.raises(UpdateRefused, match="epsilon 0"):
        review_update(vault)
    for claim in (
        replace(CLAIM, noise_multiplier=9.0),
        replace(CLAIM, epsilon=3.0),
        replace(CLAIM, steps=11),
    ):
        train_pretended(vault, bias=0.8, claim=claim)
        with pytest.raises(UpdateRefused, match="ledger does not hold"):
            review_update(vault)
    train_pretended(vault, bias=0.0)
    with pytest.raises(UpdateRefused, match="same as its base"):
        review_update(vault)
    roll_back(vault, at="2025-01-02", to="starting")
    with pytest.raises(UpdateRefused, match="starting model is in use"):
        review_update(vault)


def test_a_restored_vault_signs_nothing_before_the_spent_budget_is_declared(federation: Federation) -> None:
    federation.vault.set_setting(EPSILON_FLOOR, UNKNOWN)
    with pytest.raises(UpdateRefused, match="declare it first"):
        review_update(federation.vault)
    federation.vault.set_setting(EPSILON_FLOOR, "2.5")
    assert review_update(federation.vault).epsilon == 2.5


def test_a_change_of_the_encoder_leaves_alone_without_the_head(federation: Federation) -> None:
    vault, start = federation.vault, starting_base()
    name = next(n for n in sorted(start.whole) if n not in start.own and start.whole[n].ndim == 1)
    train_pretended(vault, bias=0.0, extra={name: start.whole[name] + np.float32(0.125)})
    review = review_update(vault)
    assert [part.name for part in review.tensors] == [name]
    update = verify_update(federation.export(), federation.desk())
    np.testing.assert_allclose(update.delta[name], 0.125, atol=1e-6)


def test_names_and_weights_out_of_range_are_refused(federation: Federation) -> None:
    for name in ("", "St. Anne", "a/b", "x" * 65, "näme"):
        with pytest.raises(UsageError, match="site's name"):
            name_site(federation.vault, name)
    with pytest.raises(UsageError, match="weight"):
        declare_weight(federation.vault, 0)


def test_a_second_run_still_leaves_as_the_difference_to_the_shared_base(federation: Federation) -> None:
    vault = federation.vault
    first = model_store(vault).pointer().current
    assert first is not None
    train_pretended(vault, bias=0.25, base=load_version(vault, first))
    review = review_update(vault)
    assert review.base == starting_base().base_id
    assert base_of_version(vault, review.version_id).round == 0
    update = verify_update(federation.export(), federation.desk())
    assert float(update.delta["head.bias"].max()) == pytest.approx(0.75, abs=1e-5)


def test_a_replay_is_refused_and_looking_again_is_not(federation: Federation) -> None:
    path, desk = federation.export(), federation.desk()
    verify_update(path, desk, record=False)
    verify_update(path, desk)
    verify_update(path, desk, record=False)
    with pytest.raises(UpdateRefused, match="replay"):
        verify_update(path, desk)
    train_pretended(federation.vault, bias=0.6)
    with pytest.raises(UpdateRefused, match="another update of round 1"):
        verify_update(federation.export("again.fedupdate"), desk)


def test_another_base_and_another_list_of_diseases_are_refused(federation: Federation) -> None:
    path, desk = federation.export(), federation.desk()
    with pytest.raises(UpdateRefused, match="trained from the base"):
        verify_update(path, replace(desk, base=replace(desk.base, base_id="0" * 64)))
    said = BaseStatement("1" * 64, 1, "mean", ("2" * 64,), 2.5, 1e-5, "3" * 64, desk.base.encoder_sha256)
    file = federation.folder / "other.fedbase"
    file.write_bytes(write_base(said, desk.base.own, private_key=federation.coordinator.private_key))
    plan = ApplyPlan(at="2025-01-03", cache_dir=federation.folder)
    with pytest.raises(UpdateRefused, match="another list of diseases"):
        list(apply_update(federation.vault, file, plan, coordinator_key=federation.coordinator.public_key))


def test_a_base_that_harms_is_refused_with_its_figures_and_nothing_changes(
    federation: Federation, public_cache: Path
) -> None:
    vault, file = federation.vault, _harmful_base(federation)
    before = current_version(vault).version
    plan = ApplyPlan(at="2025-01-03", cache_dir=public_cache, notes_per_style=8)
    with pytest.raises(
        UpdateRefused, match=r"top-10 on public notes is 0\.0% .* nothing was installed: .*--notes"
    ):
        list(apply_update(vault, file, plan, coordinator_key=federation.coordinator.public_key))
    with pytest.raises(UpdateRefused, match="not signed by the coordinator"):
        list(apply_update(vault, file, plan, coordinator_key=keys_of(vault).site_key))
    with pytest.raises(UpdateRefused, match="no coordinator is trusted"):
        list(apply_update(vault, file, plan))
    assert current_version(vault).version == before
    assert installed_bases(vault) == ()


def test_a_model_in_use_of_an_earlier_list_of_diseases_is_in_nobodys_way(
    federation: Federation, public_cache: Path
) -> None:
    start, vault = starting_version(), federation.vault
    tensors = {
        n: t[:-9] if n.startswith("head") else t for n, t in read_tensors(start.files[TENSORS_FILE]).items()
    }
    changed = {TENSORS_FILE: write_tensors(tensors), LABELS_FILE: json.dumps(start.labels[:-9]).encode()}
    files = {n: d for n, d in start.files.items() if n not in (CARD_FILE, MANIFEST_FILE)} | changed
    train_pretended(vault, bias=0.25, base=pack_version(files, start.version.card))
    plan = ApplyPlan(at="2025-01-03", cache_dir=public_cache, notes_per_style=8)
    key = federation.coordinator.public_key
    with pytest.raises(UpdateRefused, match="with the starting model"):
        list(apply_update(vault, _harmful_base(federation), plan, coordinator_key=key))


def _harmful_base(federation: Federation) -> Path:
    start = starting_base()
    harmful = start.own | {"head.bias": start.own["head.bias"] + 100 * (np.arange(ROWS) % 50 == 0)}
    said = BaseStatement(
        *(start.base_id, 1, "mean", ("2" * 64,), 2.5, 1e-5, start.labels_sha256, start.encoder_sha256)
    )
    file = federation.folder / "harm.fedbase"
    file.write_bytes(write_base(said, harmful, private_key=federation.coordinator.private_key))
    return file


def test_a_trust_file_is_understood_or_refused() -> None:
    key = "ed25519:" + "0" * 64
    text = f'[sites."st-anne"]\nsite_key = "{key}"\nofficer_key = "{key}"\n'
    assert read_trust(text)["st-anne"].site_key == key
    for wrong in (
        "[sites",
        text + 'more = "x"\n',
        text.replace("officer_key", "officer"),
        text.replace("0", ""),
    ):
        with pytest.raises(UpdateRefused):
            read_trust(wrong)


@pytest.mark.parametrize(("answer", "written"), [("y", True), ("", False), ("n", False)])
def test_at_a_terminal_the_review_is_shown_and_a_plain_yes_is_asked_for(
    federation: Federation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    answer: str,
    written: bool,
) -> None:
    federation.vault.close()
    file, secrets = federation.folder / "asked.fedupdate", iter([PASSPHRASE, OFFICER])
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(secrets))
    monkeypatch.setattr("builtins.input", lambda _prompt: answer)
    words = ("--vault", federation.vault.path, "--user", "ada", "--to", file)
    code = main(["update", "export", *map(str, words), "--recipient", federation.coordinator.recipient])
    assert (code, file.exists()) == (0 if written else 1, written)
    assert "It does not hold: texts" in capsys.readouterr().out


def test_a_version_of_another_releases_start_is_no_update_of_this_one(federation: Federation) -> None:
    start = starting_version()
    earlier = replace(start.version, version_id=VersionId("0" * 64))
    train_pretended(federation.vault, bias=0.25, base=replace(start, version=earlier))
    with pytest.raises(UpdateRefused, match="another release's starting model"):
        review_update(federation.vault)
