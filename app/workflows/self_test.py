"""Checks that every part of the installation really works, on synthetic data in a temporary folder."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.config.part_check import PartCheck, PartStatus
from app.config.settings import cache_dir
from app.errors import AnamnesisError
from app.workflows import check_machine, check_reasoning, check_store, check_trainer
from app.workflows.check_reasoning import Reasoning
from app.workflows.check_update_file import check_update_file
from knowledge_graph.errors import KnowledgeError
from ml.errors import MlError
from ml.registry.model_version import VersionContent

WINDOW = "window"


@dataclass(frozen=True, slots=True)
class SelfTestPlan:
    """What to try. `provider` is where the text model is wanted; `policy` None is this machine's."""

    provider: str = "auto"
    policy: Path | None = None
    with_trainer: bool = True
    with_window: bool = True


@dataclass(frozen=True, slots=True)
class _Part:
    """A name, its check, and why it can't be made where the part is not installed."""

    name: str
    check: Callable[[], str]
    absent: Callable[[], str] = str


def self_test(plan: SelfTestPlan | None = None) -> Iterator[str | PartCheck]:
    """Yield each part's name before it is tried, then what was found; a broken part stops no other."""
    what = plan or SelfTestPlan()
    with tempfile.TemporaryDirectory(prefix="anamnesis-self-test-") as folder:
        for part in _parts(what, Path(folder)):
            yield part.name
            yield _tried(part)
    if what.with_window:
        yield WINDOW
        yield from _tried_window()


def _parts(plan: SelfTestPlan, folder: Path) -> Iterator[_Part]:
    yield _Part("program", check_machine.check_program)
    yield _Part("policy", partial(check_machine.check_policy, plan.policy))
    yield _Part("cache folder", check_machine.check_cache)
    yield _Part("encryption", partial(check_store.check_cipher, folder))
    yield _Part("vault", partial(check_store.check_vault_on_disk, folder))
    yield _Part("reader", check_store.check_reader)
    yield _Part("import", partial(check_store.check_import, folder))
    yield _Part("signing keys", partial(check_store.check_signing_keys, folder))
    yield _Part("update file", check_update_file)
    parts = Reasoning(_usable_cache(folder), plan.provider)
    for name, check in (
        ("HPO release", check_reasoning.check_release),
        ("knowledge graph", check_reasoning.check_graph),
        ("rules", partial(check_reasoning.check_rules, policy=plan.policy)),
        ("recogniser", check_reasoning.check_recogniser),
        ("text encoder", check_reasoning.check_encoder),
        ("starting model", check_reasoning.check_starting_model),
        ("fusion", check_reasoning.check_fusion),
    ):
        yield _Part(name, partial(check, parts))
    gpu_absent = partial(check_reasoning.gpu_is_absent, parts)
    yield _Part("GPU", partial(check_reasoning.check_gpu, parts), gpu_absent)
    if plan.with_trainer:
        for name, work in (("trainer", check_trainer.check_training), ("export", check_trainer.check_export)):
            yield _Part(name, partial(_on_starting, work, parts), check_trainer.trainer_is_absent)


def _on_starting(work: Callable[[VersionContent], str], parts: Reasoning) -> str:
    return work(parts.starting)


def _usable_cache(folder: Path) -> Path:
    """The user's cache; where that is broken (its own check says so) the others still get theirs."""
    try:
        return cache_dir()
    except AnamnesisError:
        return folder


def _tried(part: _Part) -> PartCheck:
    try:
        why_not = part.absent()
        if why_not:
            return PartCheck(part.name, PartStatus.ABSENT, why_not)
        return PartCheck(part.name, PartStatus.OK, part.check())
    except Exception as error:
        return PartCheck(part.name, PartStatus.BROKEN, _in_words(error))


def _tried_window() -> Iterator[PartCheck]:
    try:
        yield from check_machine.check_window()
    except Exception as error:
        yield PartCheck(WINDOW, PartStatus.BROKEN, _in_words(error))


def _in_words(error: Exception) -> str:
    """Our errors name their remedy; of any other kind nobody knows, so the installation is in doubt."""
    said = " ".join(str(error).split())
    if isinstance(error, (AnamnesisError, MlError, KnowledgeError)):
        return said
    return f"{type(error).__name__}: {said[:300]}; install the program again"
