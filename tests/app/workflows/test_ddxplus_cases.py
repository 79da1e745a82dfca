"""DDXPlus's patients become cases of its pack, or of HPO terms and the common pack; the aims hold."""

import gzip
import itertools
import json
import tomllib
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest

from app.errors import UsageError
from app.workflows.ddxplus_cases import is_ddxplus_cases, read_ddxplus_cases
from app.workflows.evaluate_cases import Accuracy, evaluate_cases
from app.workflows.load_knowledge import KnowledgeChoice, load_graph
from knowledge_graph.fusion.setting_prior import setting_prior
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.sources.pack_reading import COMMON
from knowledge_graph.terms.occurrence import Setting

HEAD = "AGE,DIFFERENTIAL_DIAGNOSIS,SEX,PATHOLOGY,EVIDENCES,INITIAL_EVIDENCE\n"
ROW = "31,[],F,Coqueluche,\"['fievre', 'toux', 'trav1_@_N', 'douleurxx_endroitducorps_@_front']\",toux\n"
STEP = 160  # every so many patients of the slice


@pytest.fixture(scope="module")
def common(public_cache: Path) -> CompiledGraph:
    return load_graph(public_cache, KnowledgeChoice((COMMON,)))


@pytest.fixture(scope="module")
def ddxplus(public_cache: Path, shared_data: Path) -> CompiledGraph:
    return load_graph(public_cache, KnowledgeChoice((shared_data / "ddxplus",)))


def written(folder: Path, text: str) -> Path:
    path = folder / "patients.csv"
    path.write_text(text, "utf-8")
    return path


def test_evidences_become_hpo_terms_where_a_link_is_certain(tmp_path: Path, common: CompiledGraph) -> None:
    (case,) = read_ddxplus_cases(written(tmp_path, HEAD + ROW), common)
    assert case.observed == ["HP:0001945", "HP:0012735", "HP:0002315"]  # fever, cough, headache
    assert (case.disease_id, case.age, case.sex) == ("COMMON:pertussis", "P31Y", "FEMALE")


def test_with_its_pack_every_evidence_counts(tmp_path: Path, ddxplus: CompiledGraph) -> None:
    (case,) = read_ddxplus_cases(written(tmp_path, HEAD + ROW), ddxplus)
    assert case.disease_id == "DDXPLUS:whooping-cough"
    assert case.observed[2] == "DDXPLUS:trav1_@_N"
    assert all(ddxplus.resolve(term) for term in case.observed)


def test_a_table_of_the_english_release_says_the_same(tmp_path: Path, common: CompiledGraph) -> None:
    codes = {"fievre": "E_91", "toux": "E_201", "trav1_@_N": "E_204_@_V_10"}
    codes["douleurxx_endroitducorps_@_front"] = "E_55_@_V_89"
    english = ROW.replace("Coqueluche", "Whooping cough")
    for french, code in codes.items():
        english = english.replace(french, code)
    with zipfile.ZipFile(tmp_path / "release_test_patients.zip", "w") as archive:
        archive.writestr("release_test_patients", HEAD + english)
    (case,) = read_ddxplus_cases(tmp_path / "release_test_patients.zip", common)
    assert list(read_ddxplus_cases(written(tmp_path, HEAD + ROW), common)) == [case]


def test_fewer_evidences_begin_with_the_complaint(tmp_path: Path, common: CompiledGraph) -> None:
    path = written(tmp_path, HEAD + ROW)
    (case,) = read_ddxplus_cases(path, common, evidences=1)
    assert case.observed == ["HP:0012735"]
    two = [next(read_ddxplus_cases(path, common, evidences=2, seed=s)).observed for s in range(6)]
    assert all(observed[0] == "HP:0012735" for observed in two)
    assert len({tuple(observed) for observed in two}) > 1


def test_a_condition_that_the_common_pack_lacks_is_no_case(tmp_path: Path, common: CompiledGraph) -> None:
    name = "Oedème localisé ou généralisé sans atteinte pulmonaire associée"
    assert list(read_ddxplus_cases(written(tmp_path, HEAD + ROW.replace("Coqueluche", name)), common)) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "lacks the columns"),
        (HEAD + ROW.replace("Coqueluche", "Gloom"), r"patients.csv:2: the condition is none"),
        (HEAD + ROW.replace("31", "old"), r"patients.csv:2: not whole"),
        (HEAD + ROW.replace("['fievre'", "__import__('os')"), r"patients.csv:2: EVIDENCES is no list"),
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, common: CompiledGraph, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        list(read_ddxplus_cases(written(tmp_path, text), common))


def test_what_is_ddxplus_is_told_by_its_name() -> None:
    assert is_ddxplus_cases(Path("release_test_patients.csv"))
    assert is_ddxplus_cases(Path("x.CSV.gz"))
    assert is_ddxplus_cases(Path("release_test_patients.zip"))
    assert is_ddxplus_cases(Path("release_test_patients"))
    assert not is_ddxplus_cases(Path("cases.jsonl.gz"))


def measured(
    graph: CompiledGraph, slice_: Path, *, setting: Setting, evidences: int | None = None
) -> Accuracy:
    cases = itertools.islice(read_ddxplus_cases(slice_, graph, evidences=evidences), 0, None, STEP)
    return evaluate_cases(graph, cases, prior=setting_prior(graph, setting))


def test_the_aims_hold_on_a_part_of_the_development_slice(
    ddxplus: CompiledGraph, common: CompiledGraph, shared_data: Path
) -> None:
    patients = shared_data / "ddxplus" / "validate_subset_19cond_fr.csv.gz"
    everything = measured(ddxplus, patients, setting=Setting.PRIMARY_CARE)
    assert (everything.n, everything.unknown_terms) == (42, 0)
    assert everything.top1 >= 0.97
    assert measured(ddxplus, patients, setting=Setting.PRIMARY_CARE, evidences=5).top5 >= 0.85
    assert measured(common, patients, setting=Setting.PRIMARY_CARE).top5 >= 0.70


def test_the_codes_of_the_english_release_ask_the_same_questions(shared_data: Path) -> None:
    french, english = (
        json.loads(gzip.decompress((shared_data / "ddxplus" / f"{name}.json.gz").read_bytes()))
        for name in ("release_evidences", "en_release_evidences")
    )
    said = tomllib.loads(files("resources.packs").joinpath("ddxplus.toml").read_text("utf-8"))
    assert set(said["english"].values()) == set(said["evidences"])
    for newer, older in said["english"].items():
        (code, _, answer), (old_code, _, old_answer) = newer.partition("_@_"), older.partition("_@_")
        assert english[code]["question_fr"] == french[old_code]["question_fr"]
        meant = (
            english[code]["value_meaning"].get(answer),
            french[old_code]["value_meaning"].get(old_answer),
        )
        assert answer == old_answer if meant == (None, None) else meant[0]["fr"] == meant[1]["fr"]
