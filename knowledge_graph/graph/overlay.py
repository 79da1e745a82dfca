"""Lays knowledge packs over a compiled graph: some ten milliseconds, whatever the graph's size.

Terms and diseases of the packs are numbered behind those that are there, so nothing known changes its
place; diseases that a pack speaks of anew are summed up again. A pack adds, it never takes away.

The background of a term that HPO's diseases show stays theirs, or what it is among the packs' diseases times
PACK_SHARE where that is more: what common illnesses share tells little. A local term's is its pack's own.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from knowledge_graph.errors import SourceRefused, UnknownTerm
from knowledge_graph.graph.arrays import Associations, Floats, Ints, Rows
from knowledge_graph.graph.compilation import TextTable, association_columns
from knowledge_graph.graph.compiled_graph import CompiledGraph, LoadedPack
from knowledge_graph.graph.demographics import Demographics, onset_bounds
from knowledge_graph.graph.kinship import name_words
from knowledge_graph.graph.local_terms import LocalTerms, numbered_terms
from knowledge_graph.graph.namesakes import COUNT, Namesakes
from knowledge_graph.graph.overlay_genes import overlaid_genes
from knowledge_graph.graph.overlay_kin import overlaid_kinship
from knowledge_graph.graph.portraits import enlarged
from knowledge_graph.graph.profile import Profiles, direct_frequencies, inherited
from knowledge_graph.graph.signature import Signatures, articles_of
from knowledge_graph.graph.splicing import splice, spliced_rows
from knowledge_graph.sources.association import Association
from knowledge_graph.sources.knowledge_pack import KnowledgePack, PackDisease
from knowledge_graph.sources.pack_rows import ITSELF
from knowledge_graph.terms.onset import YEAR_DAYS
from knowledge_graph.terms.term import DiseaseId

PACK_SHARE = 0.25
_SEX = {"FEMALE": 1, "MALE": 2}


@dataclass(frozen=True, slots=True)
class _Merged:
    """Numbers for everything that the packs name."""

    terms: LocalTerms
    disease_ids: tuple[DiseaseId, ...]
    names: tuple[str, ...]
    said: dict[int, PackDisease]
    told: tuple[tuple[int, Association], ...]  # by disease number, ascending
    used: dict[str, int]  # rows taken from each pack

    @property
    def rows(self) -> tuple[tuple[int, Association], ...]:
        """Those about findings."""
        return tuple(pair for pair in self.told if pair[1].aspect == "P")

    def terms_of(self, aspect: str, known: Rows) -> dict[int, list[int]]:
        """Of each disease, the terms of another aspect that it is not known to have."""
        found: dict[int, list[int]] = {}
        for disease, row in self.told:
            if row.aspect == aspect:
                term = self.terms.number(row.term_id)
                there = known[disease].tolist() if disease < len(known) else []
                if term not in (*there, *found.get(disease, ())):
                    found.setdefault(disease, []).append(term)
        return found

    @property
    def itself(self) -> npt.NDArray[np.int64]:
        """Pairs of disease and term where the term is the disease's name, not a finding of it."""
        named = [(d, self.terms.number(row.term_id)) for d, row in self.rows if row.modifier == ITSELF]
        numbers = np.array(named, np.int32).reshape(-1, 2)
        return _pairs(numbers[:, 0], numbers[:, 1])


def overlaid(base: CompiledGraph, packs: Sequence[KnowledgePack]) -> CompiledGraph:
    """The graph with these packs beside what it knows. Raises SourceRefused."""
    if not packs:
        return base
    whole = {pack.pack_id: len(pack.rows) for pack in packs}
    packs = list(_described(base, packs))
    merged = _merged(base, packs)
    count, terms = len(merged.disease_ids), merged.terms
    texts = TextTable(base.text_index)
    associations, changed = _associations(base, merged, texts)
    profiles, signatures = _summed_up(base, merged, associations, changed, texts.texts)
    genes = overlaid_genes(base, packs, {disease: n for n, disease in enumerate(merged.disease_ids)})
    onsets = merged.terms_of("C", base.onsets)
    return replace(
        base,
        content_hash=_named(base, packs),
        base_hash=base.base_hash or base.content_hash,
        packs=base.packs + tuple(_loaded(p, whole[p.pack_id] - merged.used[p.pack_id]) for p in packs),
        facts={**base.facts, **_facts(base, merged)},
        term_ids=terms.ids,
        term_names=terms.names,
        term_synonyms=base.term_synonyms + ((),) * (len(terms.ids) - len(base.term_ids)),
        alternatives=terms.alternatives,
        hpo_terms=min(base.hpo_terms, len(base.term_ids)),
        ancestors=terms.ancestors,
        parents=terms.parents,
        disease_ids=merged.disease_ids,
        disease_names=merged.names,
        name_words=base.name_words + tuple(map(name_words, merged.names[len(base.disease_ids) :])),
        genes=genes.labels,
        gene_ids=genes.ids,
        onsets=spliced_rows(base.onsets, onsets, count=count),
        inheritance=spliced_rows(base.inheritance, merged.terms_of("I", base.inheritance), count=count),
        associations=associations,
        profiles=profiles,
        signatures=signatures,
        kinship=overlaid_kinship(base, merged.disease_ids, merged.names, said=merged.said, genes=genes),
        demographics=_demographics(base, merged, onsets),
        namesakes=_namesakes(base.namesakes, count),
        portraits=enlarged(base.portraits, signatures, changed, n_terms=len(terms.ids)),
        texts=tuple(texts.texts),
    )


def _described(base: CompiledGraph, packs: Sequence[KnowledgePack]) -> Iterator[KnowledgePack]:
    known = set(base.disease_ids)
    for pack in packs:
        about = pack.about(known)
        known.update(disease.disease_id for disease in about.diseases)
        yield about


def _named(base: CompiledGraph, packs: Sequence[KnowledgePack]) -> str:
    return hashlib.sha256(
        "\n".join([base.content_hash, *(p.content_hash for p in packs)]).encode()
    ).hexdigest()


def _merged(base: CompiledGraph, packs: Sequence[KnowledgePack]) -> _Merged:
    number: dict[DiseaseId, int] = dict(base.disease_index)
    names = list(base.disease_names)
    said: dict[int, PackDisease] = {}
    for pack in packs:
        for disease in pack.diseases:
            place = number.setdefault(disease.disease_id, len(names))
            if place == len(names):
                names.append(disease.name)
            said[place] = said[place].and_later(disease) if place in said else disease
    terms = numbered_terms(base, packs)
    taken = {pack.pack_id: list(_known_rows(pack, terms)) for pack in packs}
    rows = sorted(
        ((number[row.disease_id], row) for rows in taken.values() for row in rows), key=lambda pair: pair[0]
    )
    used = {pack_id: len(rows) for pack_id, rows in taken.items()}
    return _Merged(terms, tuple(number), tuple(names), said, tuple(rows), used)


def _known_rows(pack: KnowledgePack, terms: LocalTerms) -> Iterator[Association]:
    """The rows about terms that are known; in a strict pack, one that is not is refused with its line."""
    for row, place in zip(pack.rows, pack.places, strict=True):
        try:
            terms.number(row.term_id)
        except UnknownTerm as error:
            if pack.strict:
                raise SourceRefused(f"{place}: {error}") from error
        else:
            yield row


def _loaded(pack: KnowledgePack, left_out: int) -> LoadedPack:
    return LoadedPack(pack.pack_id, pack.title, pack.licence, len(pack.diseases), left_out)


def _associations(base: CompiledGraph, merged: _Merged, texts: TextTable) -> tuple[Associations, Ints]:
    """All rows, and the numbers of the diseases with new ones; what is said already is left out."""
    columns = association_columns([row for _, row in merged.rows], number=merged.terms.number, texts=texts)
    owner = np.array([disease for disease, _ in merged.rows], np.int32)
    new = _not_yet_said(base.associations, owner, columns)
    how = splice(base.associations.indptr, owner[new], count=len(merged.disease_ids))
    joined = {
        name: how.join(getattr(base.associations, name), column[new]) for name, column in columns.items()
    }
    return Associations(indptr=how.indptr, **joined), np.unique(owner[new])


def _not_yet_said(
    known: Associations, owner: Ints, columns: dict[str, Ints]
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which rows say something of a known disease that no row of it says: term, state and frequency."""
    new = np.ones(len(owner), bool)
    for place in np.flatnonzero(owner < len(known.indptr) - 1).tolist():
        span = known.rows_of(int(owner[place]))
        same = known.term[span] == columns["term"][place]
        for name in ("excluded", "frequency"):
            same &= getattr(known, name)[span] == columns[name][place]
        new[place] = not same.any()
    return new


def _summed_up(
    base: CompiledGraph, merged: _Merged, rows: Associations, changed: Ints, texts: list[str]
) -> tuple[Profiles, Signatures]:
    count, ancestors = len(merged.disease_ids), merged.terms.ancestors
    touched = np.zeros(len(rows.term), bool)
    for disease in changed.tolist():
        touched[rows.rows_of(disease)] = True
    disease, term, frequency = direct_frequencies(rows, touched & ~rows.excluded)
    known = changed[changed < len(base.disease_ids)]
    finding = ~np.isin(_pairs(disease, term), merged.itself)
    how = splice(base.signatures.indptr, disease[finding], count=count, dropped=known)
    articles = np.concatenate(
        [base.signatures.publications, np.zeros(count - len(base.disease_ids), np.int32)]
    )
    for number in changed.tolist():
        articles[number] = len(articles_of(rows.reference[rows.rows_of(number)], texts))
    signatures = Signatures(
        how.indptr,
        how.join(base.signatures.term, term[finding]),
        how.join(base.signatures.frequency, frequency[finding]),
        articles,
    )
    return _profiles(base, merged, inherited(ancestors, disease, term, frequency), known), signatures


def _pairs(disease: Ints, term: Ints) -> npt.NDArray[np.int64]:
    return (disease.astype(np.int64) << 32) | term


def _profiles(
    base: CompiledGraph, merged: _Merged, added: tuple[Ints, Ints, Floats], known: Ints
) -> Profiles:
    """Those of the base with the packs' diseases; `added` is (term, disease, probability), sorted by pair."""
    term, disease, probability = added
    old = base.profiles
    if len(known):
        old = _without(old, known)
    indptr = old.indptr
    more = np.bincount(term, minlength=len(merged.terms.ids))
    lengths = np.zeros(len(more), np.int64)
    lengths[: len(indptr) - 1] = np.diff(indptr)
    joined = np.concatenate([[0], np.cumsum(lengths + more)]).astype(np.int32)
    place = np.arange(len(term)) + _behind(old, term, disease)
    mine = np.ones(len(old.disease) + len(term), bool)
    mine[place] = False
    numbers, chances = np.empty(len(mine), np.int32), np.empty(len(mine), np.float32)
    numbers[mine], chances[mine] = old.disease, old.probability
    numbers[place], chances[place] = disease, probability
    return Profiles(joined, numbers, chances, _background(base, merged, added))


def _without(profiles: Profiles, diseases: Ints) -> Profiles:
    gone = np.zeros(int(max(profiles.disease.max(initial=0), diseases.max())) + 1, bool)
    gone[diseases] = True
    keep = ~gone[profiles.disease]
    before = np.concatenate([[0], np.cumsum(keep)])
    return Profiles(
        before[profiles.indptr].astype(np.int32),
        profiles.disease[keep],
        profiles.probability[keep],
        profiles.background,
    )


def _behind(old: Profiles, term: Ints, disease: Ints) -> Ints:
    """How many old entries come before each new one, by term and then disease."""
    last = len(old.indptr) - 1
    ends = old.indptr[np.minimum(term + 1, last)].astype(np.int32)
    inner = np.flatnonzero((term < last) & (disease < old.disease.max(initial=-1)))
    for place in inner.tolist():
        span = slice(int(old.indptr[term[place]]), int(old.indptr[term[place] + 1]))
        ends[place] = span.start + np.searchsorted(old.disease[span], disease[place])
    return ends


def _background(base: CompiledGraph, merged: _Merged, added: tuple[Ints, Ints, Floats]) -> Floats:
    """The base's, or the mean over the diseases of the pack where a term is commonest, where that is more."""
    term, disease, probability = added
    first, width = len(base.disease_ids), len(merged.terms.ids)
    most = np.zeros(width)
    most[: len(base.term_ids)] = base.profiles.background
    spaces = np.array([i.split(":")[0] for i in merged.disease_ids[first:]])
    for space in np.unique(spaces):
        of_pack = np.isin(disease, first + np.flatnonzero(spaces == space))
        mean = np.bincount(term[of_pack], probability[of_pack], width) / (spaces == space).sum()
        mean[: base.hpo_terms] *= PACK_SHARE
        most = np.maximum(most, mean)
    return most.astype(np.float32)


def _facts(base: CompiledGraph, merged: _Merged) -> dict[DiseaseId, PackDisease]:
    told = {merged.disease_ids[n]: disease for n, disease in merged.said.items()}
    return {i: base.facts[i].and_later(d) if i in base.facts else d for i, d in told.items()}


def _demographics(base: CompiledGraph, merged: _Merged, onsets: dict[int, list[int]]) -> Demographics:
    """`onsets` are those that the packs add: the earliest of a disease's counts."""
    known, more = base.demographics, len(merged.disease_ids) - len(base.disease_ids)
    earliest = np.concatenate([known.earliest_onset_days, np.zeros(more, np.float32)])
    sexes = np.concatenate([known.only_sex, np.zeros(more, np.int8)])
    youngest = np.concatenate([known.youngest_days, np.zeros(more, np.float32)])
    oldest = np.concatenate([known.oldest_days, np.full(more, np.inf, np.float32)])
    if onsets:
        bounds = onset_bounds(base.term_index, base.ancestors)
        for number, terms in onsets.items():
            first = float(bounds[terms].min())
            stated = number < len(base.onsets) and len(base.onsets[number]) > 0
            earliest[number] = min(first, earliest[number]) if stated else first
    for number, disease in merged.said.items():
        if disease.ages is not None:
            youngest[number], oldest[number] = (YEAR_DAYS * years for years in disease.ages)
        sexes[number] = _SEX.get(disease.sex, sexes[number])
    return Demographics(earliest, sexes, youngest, oldest)


def _namesakes(known: Namesakes, count: int) -> Namesakes:
    own = np.arange(len(known.others), count, dtype=np.int32)
    others = np.concatenate([known.others, np.repeat(own[:, None], COUNT, axis=1)])
    return Namesakes(
        others, np.concatenate([known.shares, np.full((len(own), COUNT), 1 / COUNT, np.float32)])
    )
