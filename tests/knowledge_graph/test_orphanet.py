"""Orphanet's products 1, 6 and 9, in small files of their published layout, and what they do to the graph."""

from pathlib import Path

import pytest

from knowledge_graph.errors import SourceRefused
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.knowledge_graph import load_knowledge
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.graph.recompilation import compile_knowledge
from knowledge_graph.sources.knowledge_pack import KnowledgePack
from knowledge_graph.sources.pack_reading import read_pack
from tests.knowledge_graph.mini_release import mini_graph, write_mini_release
from tests.knowledge_graph.test_pack_readers import XML, written


def named(tag: str, name: str, number: int = 1) -> str:
    return f'<{tag} id="{number}"><Name lang="en">{name}</Name></{tag}>' if name else f"<{tag}/>"


def product(*inside: str, code: str = "3", second: str = "") -> str:
    """One disorder of code 3 with what is inside, and perhaps a second of a code that HPO lacks."""
    head = f"<OrphaCode>{code}</OrphaCode><Name lang='en'>No-fit disease</Name>"
    first = f'<Disorder id="1">{head}{named("DisorderType", "Disease")}{"".join(inside)}</Disorder>'
    more = f'<Disorder id="9"><OrphaCode>77</OrphaCode><Name>New</Name>{second}</Disorder>' if second else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<JDBOR date="2025-06-24 05:27:52" version="1.3.42 / 4.1.8">'
        f'<DisorderList count="1">{first}{more}</DisorderList></JDBOR>'
    )


def reference(number: str, *, source: str = "OMIM", relation: int = 21527, status: int = 21611) -> str:
    ties = named("DisorderMappingRelation", "E (Exact)", relation)
    ties += named("DisorderMappingValidationStatus", "Validated", status)
    said = f"<Source>{source}</Source><Reference>{number}</Reference>"
    return f'<ExternalReference id="5">{said}{ties}</ExternalReference>'


def references(*each: str) -> str:
    return f"<ExternalReferenceList>{''.join(each)}</ExternalReferenceList>"


def gene(
    symbol: str, *, kind: str = "Disease-causing germline mutation(s) in", status: str = "Assessed"
) -> str:
    hgnc = "<ExternalReference><Source>HGNC</Source><Reference>42</Reference></ExternalReference>"
    return (
        "<DisorderGeneAssociation><SourceOfValidation>11[PMID]_12[PMID]</SourceOfValidation>"
        f'<Gene id="7"><Name>its name</Name><Symbol>{symbol}</Symbol>'
        f"<ExternalReferenceList>{hgnc}</ExternalReferenceList></Gene>"
        f"{named('DisorderGeneAssociationType', kind)}{named('DisorderGeneAssociationStatus', status)}"
        "</DisorderGeneAssociation>"
    )


def genes(*each: str) -> str:
    return f"<DisorderGeneAssociationList>{''.join(each)}</DisorderGeneAssociationList>"


def ages(onset: str, inheritance: str) -> str:
    return (
        f"<AverageAgeOfOnsetList>{named('AverageAgeOfOnset', onset)}</AverageAgeOfOnsetList>"
        f"<TypeOfInheritanceList>{named('TypeOfInheritance', inheritance)}</TypeOfInheritanceList>"
    )


def prevalence(kind: str, often: str, *, mean: str = "0.0", status: str = "Validated") -> str:
    return (
        f"<Prevalence><Source>11[PMID]</Source>{named('PrevalenceType', kind)}"
        f"{named('PrevalenceClass', often)}<ValMoy>{mean}</ValMoy>{named('PrevalenceGeographic', 'Europe')}"
        f"{named('PrevalenceValidationStatus', status)}</Prevalence>"
    )


def prevalences(*each: str) -> str:
    return f"<PrevalenceList>{''.join(each)}</PrevalenceList>"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def pack(folder: Path, text: str) -> KnowledgePack:
    return read_pack(written(folder, "orphanet.xml", text))


def test_exact_and_validated_cross_references_make_two_ids_one_disease(
    graph: CompiledGraph, tmp_path: Path
) -> None:
    assert leaders(graph)[graph.disease_number("ORPHA:3")] == graph.disease_number("ORPHA:3")
    vague = (reference("2", relation=21528), reference("2", status=21618), reference("A1", source="ICD-10"))
    read = pack(tmp_path, product(references(reference("1"), *vague)))
    assert (read.pack_id, read.version) == ("orphanet-names", "1.3.42 2025-06-24")
    assert read.diseases[0].same_as == ("OMIM:1",)
    over = overlaid(graph, [read])
    one, two = over.disease_number("OMIM:1"), over.disease_number("ORPHA:3")
    assert leaders(over)[two] == leaders(over)[one] == one
    assert over.kinship.twins[two].tolist() == [one]
    again = overlaid(over, [read])
    assert again.kinship.twins[two].tolist() == [one]


def test_two_entries_that_are_one_disease_to_orphanet_stay_two_lines(
    graph: CompiledGraph, tmp_path: Path
) -> None:
    over = overlaid(graph, [pack(tmp_path, product(references(reference("1"), reference("2"))))])
    assert leaders(over).tolist() == list(range(len(over.disease_ids)))


def test_genes_that_cause_a_disease_are_taken_with_their_articles(
    graph: CompiledGraph, tmp_path: Path
) -> None:
    tested = (gene("NOT1", kind="Candidate gene tested in"), gene("NOT2", status="Not yet assessed"))
    read = pack(tmp_path, product(genes(gene("FIT1"), gene("AAA1"), *tested)))
    assert [(tie.gene.gene_id, tie.gene.symbol) for tie in read.genes] == [
        ("HGNC:42", "FIT1"),
        ("HGNC:42", "AAA1"),
    ]
    assert {tie.reference for tie in read.genes} == {"PMID:11, PMID:12"}
    over = overlaid(graph, [read])
    number = over.disease_number("ORPHA:3")
    assert over.genes[number] == ("AAA1", "FIT1")
    assert over.gene_ids[number] == ("HGNC:42", "NCBIGene:1")  # HPO knows FIT1 already
    one = over.disease_number("OMIM:1")
    assert over.kinship.same_gene[number].tolist() == [one]
    assert over.kinship.same_gene[one].tolist() == [number]
    release = write_mini_release(tmp_path / "mini")
    obvious = compile_knowledge(load_knowledge(release, packs=[read]))
    assert obvious.genes == over.genes
    assert obvious.gene_ids == over.gene_ids
    assert obvious.kinship.same_gene[number].tolist() == [one]


def test_ages_and_inheritance_are_what_hpo_calls_them(graph: CompiledGraph, tmp_path: Path) -> None:
    read = pack(tmp_path, product(ages("Adult", "Autosomal recessive")))
    assert [(r.term_id, r.aspect, r.reference) for r in read.rows] == [
        ("HP:0003581", "C", "ORPHA:3"),
        ("HP:0000007", "I", "ORPHA:3"),
    ]
    over = overlaid(graph, [read])
    number = over.disease_number("ORPHA:3")
    adult = over.demographics.earliest_onset_days[number]
    assert adult == over.demographics.earliest_onset_days[over.disease_number("OMIM:2")] > 5000
    assert over.packs[0].left_out == 1  # the small ontology has no inheritance
    assert over.profiles.probability.tolist() == graph.profiles.probability.tolist()
    release = write_mini_release(tmp_path / "mini")
    obvious = compile_knowledge(load_knowledge(release, packs=[read]))
    assert obvious.onsets[number].tolist() == over.onsets[number].tolist()
    assert obvious.demographics.earliest_onset_days[number] == adult


def test_a_disease_of_any_age_has_no_earliest_one(tmp_path: Path) -> None:
    told = ages("Adult", "Y-linked").replace(
        "</AverageAgeOfOnsetList>", f"{named('AverageAgeOfOnset', 'All ages')}</AverageAgeOfOnsetList>"
    )
    assert [row.aspect for row in pack(tmp_path, product(told)).rows] == ["I"]


def test_an_onset_that_is_said_twice_counts_once(graph: CompiledGraph, tmp_path: Path) -> None:
    read = pack(tmp_path, product(ages("Adult", "")))
    twice = overlaid(overlaid(graph, [read]), [read])
    assert len(twice.onsets[twice.disease_number("ORPHA:3")]) == 1


def test_prevalences_are_told_in_orphanet_s_words(graph: CompiledGraph, tmp_path: Path) -> None:
    told = prevalences(
        prevalence("Point prevalence", "1-9 / 100 000"),
        prevalence("Cases/families", "", mean="4.0"),
        prevalence("Annual incidence", "Unknown"),
        prevalence("Point prevalence", "&gt;1 / 1000", status="Not yet validated"),
    )
    over = overlaid(graph, [pack(tmp_path, product(told)), read_pack(written(tmp_path, "four.xml", XML))])
    facts = over.facts[over.disease_ids[over.disease_number("ORPHA:3")]]
    assert facts.epidemiology == (
        "point prevalence 1-9 / 100 000, Europe (PMID:11)",
        "cases/families 4, Europe (PMID:11)",
    )


def test_a_disorder_that_nobody_describes_is_left_out(graph: CompiledGraph, tmp_path: Path) -> None:
    read = pack(tmp_path, product(genes(gene("FIT1")), second=genes(gene("NEW1"))))
    assert [disease.disease_id for disease in read.diseases] == ["ORPHA:3", "ORPHA:77"]
    over = overlaid(graph, [read])
    assert over.disease_ids == graph.disease_ids
    release = write_mini_release(tmp_path / "mini")
    assert "ORPHA:77" not in load_knowledge(release, packs=[read]).network


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (product("<SynonymList/>"), "names no disorder of a product that is read"),
        (product(references(reference("1", relation=7))), "tells nothing .* en_product1.xml"),
        (product(genes(gene("FIT1", kind="Mutation germinale causale"))), "nothing .* en_product6.xml"),
        (product(ages("Adulte", "Autosomique")), "tells nothing .* en_product9_ages.xml"),
        (product(prevalences()), "tells nothing .* en_product9_prev.xml"),
        (product(references(reference("1a"))), r"disorder 1 \(ORPHA:3\) names OMIM:1a"),
        (product(genes(gene(" "))), r"disorder 1 \(ORPHA:3\) is tied to a gene without a symbol"),
        (product(genes(gene("FIT1")), code="x"), "disorder 1 has no OrphaCode"),
        (product(genes(gene("FIT1")))[:-30], "not whole XML"),
        (product(prevalences(prevalence("Cases/families", "", mean="many"))), "many"),
    ],
)
def test_a_product_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SourceRefused, match=says):
        pack(tmp_path, text)
