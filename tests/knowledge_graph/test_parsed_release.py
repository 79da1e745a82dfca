"""What the release's files say comes back from the cache as it was read, and nothing else does."""

from pathlib import Path

import networkx as nx
import pytest

from knowledge_graph.errors import SourceRefused
from knowledge_graph.graph import parsed_release
from knowledge_graph.graph.knowledge_graph import load_knowledge
from knowledge_graph.graph.parsed_release import load_release, parse_release
from knowledge_graph.sources.hpo_release import HpoRelease, find_release
from tests.knowledge_graph.mini_release import HPOA, write_mini_release


@pytest.fixture
def release(tmp_path: Path) -> HpoRelease:
    return write_mini_release(tmp_path / "release")


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[HpoRelease]:
    """The releases that were parsed."""
    seen: list[HpoRelease] = []

    def counted(release: HpoRelease) -> parsed_release.ParsedRelease:
        seen.append(release)
        return parse_release(release)

    monkeypatch.setattr(parsed_release, "parse_release", counted)
    return seen


def test_what_was_parsed_once_comes_back_equal_and_unparsed(
    release: HpoRelease, tmp_path: Path, parsed: list[HpoRelease]
) -> None:
    assert load_release(release, tmp_path) == load_release(release, tmp_path) == parse_release(release)
    known = load_knowledge(release, cache_dir=tmp_path)
    fresh = load_knowledge(release)
    assert nx.utils.graphs_equal(known.network, fresh.network)
    assert known.content_hash() == fresh.content_hash()
    assert len(parsed) == 1


def test_another_release_is_parsed_anew(release: HpoRelease, tmp_path: Path) -> None:
    load_release(release, tmp_path)
    release.associations.write_text(HPOA.replace("8/10", "9/10"), "utf-8")
    assert load_release(release, tmp_path).associations[0].frequency.text == "9/10"


@pytest.mark.parametrize("place", [0, 40, -1])
def test_a_damaged_memory_is_parsed_anew(release: HpoRelease, tmp_path: Path, place: int) -> None:
    whole = load_release(release, tmp_path)
    (kept,) = tmp_path.glob("parsed-*.bin")
    content = bytearray(kept.read_bytes())
    content[place] ^= 1
    kept.write_bytes(content)
    assert load_release(release, tmp_path) == whole
    assert kept.read_bytes() != bytes(content)


def test_a_broken_release_is_refused_and_not_kept(tmp_path: Path) -> None:
    cut = write_mini_release(tmp_path / "release", hpoa="\n".join(HPOA.splitlines()[:2]))
    for _ in range(2):
        with pytest.raises(SourceRefused, match="holds no row"):
            load_release(cut, tmp_path)
    assert not list(tmp_path.glob("parsed-*.bin"))


@pytest.mark.slow
def test_the_real_release_comes_back_as_it_was_parsed(tmp_path: Path) -> None:
    fresh = load_release(find_release(), tmp_path)
    assert load_release(find_release(), tmp_path) == fresh
