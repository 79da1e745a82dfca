"""Loads the knowledge that the policy, the user and the caller ask for: HPO, and packs laid over it.

What a hospital edits by hand (TOML, CSV) lies on top and is read again as soon as the file changes; the packs
below it are laid over HPO once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.config.packs import UserPacks
from app.config.policy import Policy
from knowledge_graph.errors import SourceRefused
from knowledge_graph.fusion.setting_prior import DEFAULT_SETTING
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.sources.knowledge_pack import KnowledgePack
from knowledge_graph.sources.pack_reading import COMMON, read_pack
from knowledge_graph.terms.occurrence import Setting

EDITED = (".toml", ".csv")
Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class KnowledgeChoice:
    """Which packs lie over HPO (COMMON or a path), and where patients are seen.

    `lenient`: a pack that cannot be used is left out with a warning, rather than refused.
    """

    packs: tuple[Path | str, ...] = (COMMON,)
    setting: Setting = DEFAULT_SETTING
    lenient: bool = False


def choose_knowledge(
    policy: Policy,
    user: UserPacks,
    *,
    more: Sequence[Path] = (),
    setting: str | None = None,
    bare: bool = False,
) -> KnowledgeChoice:
    """The program's own pack, the policy's, the user's and `more`; `bare` leaves out all but `more`.

    A setting named by the caller comes first, then the user's, then the policy's.
    """
    common: tuple[str, ...] = (COMMON,) if policy.common_pack and user.common else ()
    usual: tuple[Path | str, ...] = () if bare else (*common, *policy.packs, *user.packs)
    chosen: tuple[Path | str, ...] = (*usual, *more)
    where = setting or user.setting or policy.setting
    return KnowledgeChoice(tuple(dict.fromkeys(chosen)), Setting(where) if where else DEFAULT_SETTING)


def site_knowledge(policy: Policy) -> KnowledgeChoice:
    """What the hospital chose, whoever is at the desk: a model is measured by it."""
    return choose_knowledge(policy, UserPacks())


class LiveKnowledge:
    """The compiled graph of a choice, which follows the edits of the hospital's own files."""

    def __init__(self, cache_dir: Path, choice: KnowledgeChoice):
        self._cache_dir = cache_dir
        still = [p for p in choice.packs if not _is_edited(p)]
        self._edited = [Path(p) for p in choice.packs if _is_edited(p)]
        self._lenient = choice.lenient
        self._lasting = ""  # what is amiss until the program starts again
        self._still_packs: list[KnowledgePack] = []
        self._still = load_compiled(cache_dir)
        for path in still:
            self._lay(path)
        self._stamps = self._now()
        self.warning = self._lasting
        self._edited_packs: list[KnowledgePack] = []
        self.graph = self._still
        try:
            self._edited_packs = self._read()
            self.graph = overlaid(self._still, self._edited_packs)
        except SourceRefused as error:
            if not choice.lenient:
                raise
            self._edited_packs, self.warning = [], self._with_lasting(f"{error}. Until then it is left out")

    @property
    def packs(self) -> tuple[KnowledgePack, ...]:
        """The packs as they lie over HPO now."""
        return (*self._still_packs, *self._edited_packs)

    def refresh(self) -> bool:
        """Read the hospital's files again where one changed; True where the graph is another.

        A file that is broken now leaves the graph as it was, and `warning` says why.
        """
        now = self._now()
        if now == self._stamps:
            return False
        self._stamps = now
        try:
            packs = self._read()
            self.graph = overlaid(self._still, packs)
        except SourceRefused as error:
            self.warning = self._with_lasting(
                f"{error}. Until then the knowledge stays as it was before the edit"
            )
            return False
        self._edited_packs, self.warning = packs, self._lasting
        return True

    def _lay(self, path: Path | str) -> None:
        """A pack that nobody edits over those before it."""
        try:
            pack = read_pack(path, self._cache_dir)
            self._still = overlaid(self._still, [pack])
        except SourceRefused as error:
            if not self._lenient:
                raise
            self._lasting = self._with_lasting(f"{error}. Until then it is left out")
        else:
            self._still_packs.append(pack)

    def _with_lasting(self, problem: str) -> str:
        return ". ".join(filter(None, (self._lasting, problem)))

    def _read(self) -> list[KnowledgePack]:
        return [read_pack(path) for path in self._edited]

    def _now(self) -> list[Stamp | None]:
        return [_stamp(path) for path in self._edited]


def load_graph(cache_dir: Path, choice: KnowledgeChoice) -> CompiledGraph:
    """The graph of a choice, once. Raises SourceRefused."""
    return LiveKnowledge(cache_dir, choice).graph


def _is_edited(path: Path | str) -> bool:
    return path != COMMON and Path(path).suffix.lower() in EDITED


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
