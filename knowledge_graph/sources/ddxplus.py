"""Reads DDXPlus (Fansi Tchango et al. 2022, synthetic, CC BY) as a pack: a folder of its release files.

Needed: release_conditions and release_evidences (.json or .json.gz), French or English, and how often each
evidence is seen: ddxplus_bed_stats_4 (probabilities given a condition), else the patients of
release_train_patients or release_validate_patients, counted (.zip, .csv, .csv.gz or without an ending).
With en_release_evidences beside the French files its newer codes (E_91) are known.

Evidences are questions, not HPO terms: each becomes a local term, each possible answer a term below it
(`DDXPLUS:fievre`, `DDXPLUS:douleurxx_carac_@_sensible`). Where a question asks for exactly one HPO term or a
kind of it, the local term lies below that term (`resources/packs/ddxplus.toml`).
"""

import gzip
import json
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from knowledge_graph.errors import SourceRefused
from knowledge_graph.sources.association import Association, Frequency
from knowledge_graph.sources.ddxplus_patients import counted
from knowledge_graph.sources.knowledge_pack import KnowledgePack, LocalTerm, PackDisease
from knowledge_graph.sources.pack_rows import row, slug
from knowledge_graph.terms.term import DiseaseId, TermId

NEEDED = ("release_conditions", "release_evidences")
STATS = "ddxplus_bed_stats_4"
PATIENTS = ("release_train_patients", "release_validate_patients")  # those of the test are for measuring
LARGEST_TABLE = 200 * 2**20  # a table that is larger is read zipped, or not at all
NEWER = "en_release_evidences"
SOURCE = "DDXPlus (Fansi Tchango et al. 2022)"
NEGLIGIBLE = 1e-6  # the release writes 1e-7 for never
VALUE = "_@_"
Json = dict[str, Any]
Seen = Mapping[str, Mapping[str, Frequency]]  # of each condition, by evidence or evidence with its answer


@dataclass(frozen=True, slots=True)
class ConditionLink:
    """A condition's names, and the id of the same one in the common pack ("" where it has none)."""

    french: str
    english: str
    common: str = ""


@dataclass(frozen=True, slots=True)
class DdxplusLinks:
    """`evidences`: a code of either release, or `code_@_answer`, to the HPO term that it means."""

    evidences: Mapping[str, str]
    conditions: tuple[ConditionLink, ...]


def is_ddxplus(folder: Path) -> bool:
    """Whether the folder holds the release files that a pack is made of."""
    return all(_path(folder, name) is not None for name in NEEDED) and _how_often(folder) is not None


def ddxplus_files(folder: Path) -> list[Path]:
    """The files that a pack is read from, in a fixed order."""
    every = (*(_path(folder, name) for name in NEEDED), _how_often(folder), _path(folder, NEWER))
    return [path for path in every if path is not None]


def ddxplus_links() -> DdxplusLinks:
    """What ties DDXPlus to HPO and to the program's common pack."""
    told = tomllib.loads(files("resources.packs").joinpath("ddxplus.toml").read_text("utf-8"))
    evidences = told["evidences"]
    english = {newer: evidences[code] for newer, code in told["english"].items()}
    return DdxplusLinks({**evidences, **english}, tuple(ConditionLink(**c) for c in told["condition"]))


def read_ddxplus(folder: Path, *, content_hash: str) -> KnowledgePack:
    """Conditions, evidences and probabilities. Raises SourceRefused."""
    conditions, evidences = (_load(folder, name) for name in NEEDED)
    often = _how_often(folder)
    assert often is not None
    newer = _load(folder, NEWER) if _path(folder, NEWER) else {}
    try:
        seen = _stated(_load(folder, STATS)) if often.name.startswith(STATS) else counted(often)
        terms = tuple(_terms(evidences, seen, newer))
        common = {link.english: link.common for link in ddxplus_links().conditions}
        read = [(c, _disease(c, common)) for c in conditions.values()]
        rows = tuple(r for c, d in read for r in _rows(d, seen[c["condition_name"]]))
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceRefused(
            f"the DDXPlus files in {folder.name} do not belong together ({type(error).__name__}: {error}); "
            "fetch them from one release"
        ) from error
    known = {term.term_id for term in terms}
    unknown = next((r.term_id for r in rows if r.term_id not in known), None)
    if unknown:
        raise SourceRefused(f"{often.name} speaks of {unknown}, which release_evidences lacks")
    return KnowledgePack(
        pack_id="ddxplus",
        name="DDXPlus",
        version="",
        licence="CC BY 4.0, Fansi Tchango et al. 2022; synthetic",
        diseases=tuple(disease for _, disease in read),
        rows=rows,
        places=tuple(f"{often.name} ({r.disease_id})" for r in rows),
        content_hash=content_hash,
        terms=terms,
    )


def condition_id(english_name: str) -> DiseaseId:
    """The pack's id of a condition."""
    return DiseaseId(f"DDXPLUS:{slug(english_name)}")


def evidence_id(code: str) -> TermId:
    """The pack's id of an evidence, or of an evidence with its answer (`code_@_answer`)."""
    return TermId(f"DDXPLUS:{code.replace(' ', '_')}")


def _path(folder: Path, name: str) -> Path | None:
    return next((p for end in (".json", ".json.gz") if (p := folder / f"{name}{end}").is_file()), None)


def _how_often(folder: Path) -> Path | None:
    """The file that says how often each evidence is seen."""
    tables = (folder / f"{name}{end}" for name in PATIENTS for end in (".zip", ".csv.gz", ".csv", ""))
    fit = (p for p in tables if p.is_file() and p.stat().st_size <= LARGEST_TABLE)
    return _path(folder, STATS) or next(fit, None)


def _load(folder: Path, name: str) -> Json:
    path = _path(folder, name)
    assert path is not None
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        loaded = json.loads(data)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise SourceRefused(f"{path.name} is not whole JSON; fetch the file again") from error
    if not isinstance(loaded, dict):
        raise SourceRefused(f"{path.name} is not the object that DDXPlus writes; fetch the file again")
    return loaded


def _stated(stats: Json) -> Seen:
    return {condition: dict(_chances(told["findings"])) for condition, told in stats.items()}


def _chances(findings: Json) -> Iterator[tuple[str, Frequency]]:
    for code, chance in findings.items():
        given = (
            {f"{code}{VALUE}{a}": p for a, p in chance.items()}
            if isinstance(chance, dict)
            else {code: chance}
        )
        for key, probability in given.items():
            yield key, Frequency(f"{100 * probability:.3g} %", fraction=min(float(probability), 1.0))


def _disease(condition: Json, common: Mapping[str, str]) -> PackDisease:
    name = condition["cond-name-eng"]
    same = common.get(name, "")
    return PackDisease(
        condition_id(name),
        name,
        icd10cm=condition["icd10-id"].upper(),
        source=SOURCE,
        same_as=(DiseaseId(same),) if same else (),
    )


def _terms(evidences: Json, seen: Seen, newer: Json) -> Iterator[LocalTerm]:
    links = ddxplus_links().evidences
    codes = {str(e["question_fr"]): e for e in newer.values()}
    answers = _answers(seen)
    for code, evidence in evidences.items():
        other = codes.get(evidence["question_fr"])
        link = links.get(code)
        yield LocalTerm(
            evidence_id(code),
            evidence["question_en"],
            (TermId(link),) if link else (),
            (evidence_id(other["name"]),) if other else (),
        )
        others = _newer_answers(evidence, other)
        for answer in dict.fromkeys((*map(str, evidence["possible-values"]), *answers.get(code, ()))):
            said = evidence["value_meaning"].get(answer, {}).get("en", answer)
            deeper = links.get(f"{code}{VALUE}{answer}")
            yield LocalTerm(
                evidence_id(f"{code}{VALUE}{answer}"),
                f"{evidence['question_en']} {said}",
                (evidence_id(code), *((TermId(deeper),) if deeper else ())),
                (evidence_id(f"{other['name']}{VALUE}{others.get(answer, answer)}"),) if other else (),
            )


def _answers(seen: Seen) -> dict[str, dict[str, None]]:
    """Answers of each question that some condition gives."""
    found: dict[str, dict[str, None]] = {}
    for key in (key for condition in seen.values() for key in condition if VALUE in key):
        code, answer = key.split(VALUE, 1)
        found.setdefault(code, {})[answer] = None
    return found


def _newer_answers(evidence: Json, other: Json | None) -> Mapping[str, str]:
    """From an answer's code to its newer code, by what it means."""
    if other is None:
        return {}
    codes = {said["fr"]: code for code, said in other["value_meaning"].items()}
    return {a: codes[said["fr"]] for a, said in evidence["value_meaning"].items() if said["fr"] in codes}


def _rows(disease: PackDisease, seen: Mapping[str, Frequency]) -> Iterator[Association]:
    for key, often in seen.items():
        if (often.fraction or 0.0) > NEGLIGIBLE:
            yield row(disease, evidence_id(key), often, source=SOURCE, pack_id="ddxplus", estimate=False)
