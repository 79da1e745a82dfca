"""What rules vote for and against, and how votes are joined and judged: by hand-made ballots and patients."""

from math import log
from pathlib import Path

import pytest

from app.workflows.cast_votes import CODE, GRAPH, RULES, TEXT, Ballot, cast_votes, named_by_rules
from app.workflows.diagnose import DiagnosisService
from app.workflows.find_conflicts import DiseaseNames
from app.workflows.load_knowledge import KnowledgeChoice
from app.workflows.measure_voters import Measured, judged
from app.workflows.weak_labels import ShippedVoters, Voters, joined, shipped_voters, sides_of
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.rules.rule import Urgency
from knowledge_graph.rules.rule_file import shipped_rules
from knowledge_graph.rules.trace import Alert, RuleTrace
from knowledge_graph.terms.term import DiseaseId, TermId

VOTERS = Voters(graph=0.8, text=0.6, code=0.9, rules=0.2, agreed=0.95, against=0.9)
NAMED = {"fever-one": "A", "fever-two": "A", "rash": "B", "elsewhere": "Z"}
KNOWN = {DiseaseId("A"): 0, DiseaseId("B"): 1}
YEAR = 365


def fired(*rules: str) -> RuleTrace:
    return RuleTrace(tuple(Alert(rule, "", Urgency.URGENT, "", "", "", "", ()) for rule in rules))


def guess(disease: str, confidence: float) -> tuple[str, float]:
    return disease, pytest.approx(confidence)  # type: ignore[return-value]


def odds(disease: str, ballot: Ballot, **others: float) -> float:
    """Odds of the joined label against everything else, over those of who is named else and of nobody."""
    found, confidence = joined(ballot, VOTERS)
    assert found == disease
    return confidence / (1 - confidence) * (1 + sum(others.values()))


@pytest.mark.parametrize(
    ("rules", "disease"),
    [
        ((), ""),
        (("unheard-of",), ""),
        (("fever-one",), "A"),
        (("fever-one", "fever-two", "unheard-of"), "A"),
        (("fever-one", "rash"), ""),  # they name two
        (("elsewhere",), ""),  # the knowledge lacks it
        (("elsewhere", "rash"), "B"),
    ],
)
def test_rules_vote_for_the_one_disease_that_they_name(rules: tuple[str, ...], disease: str) -> None:
    assert named_by_rules(fired(*rules), NAMED, KNOWN) == disease


def test_one_voter_is_as_sure_as_it_is_right() -> None:
    assert joined(Ballot({}), VOTERS) == ("", 0.0)
    assert joined(Ballot({GRAPH: "A"}), VOTERS) == guess("A", 0.8)
    assert joined(Ballot({RULES: "A"}), VOTERS) == guess("A", 0.2)


def test_who_disagree_share_the_odds() -> None:
    found = joined(Ballot({GRAPH: "A", CODE: "B"}), VOTERS)
    assert found == guess("B", 9 / 14)


def test_who_agree_are_surer_than_each_alone_also_where_one_is_mostly_wrong() -> None:
    for voters in ((GRAPH, TEXT), (GRAPH, RULES), (RULES, TEXT), (GRAPH, RULES, TEXT)):
        assert joined(Ballot(dict.fromkeys(voters, "A")), VOTERS) == guess("A", 0.95)
    doubtful = Ballot({GRAPH: "A", RULES: "A", CODE: "B"})
    assert odds("A", doubtful, B=9.0) == pytest.approx(19)


def test_what_rules_speak_against_is_hardly_believed() -> None:
    ballot = Ballot({GRAPH: "A"}, frozenset({"A"}))
    assert odds("A", ballot) == pytest.approx(4 / 9)
    torn = Ballot({GRAPH: "A", TEXT: "B"}, frozenset({"A"}))
    assert odds("B", torn, A=4 / 9) == pytest.approx(1.5)
    assert sides_of(ballot, "A") == ((GRAPH,), (RULES,))
    assert sides_of(torn, "B") == ((TEXT,), (GRAPH,))


def test_voters_and_labels_are_judged_by_what_counts_as_right() -> None:
    ballots = [
        (Ballot({GRAPH: "A", RULES: "A"}), frozenset({"A"})),
        (Ballot({GRAPH: "A", RULES: "A", TEXT: "B"}), frozenset({"C"})),
        (Ballot({GRAPH: "A"}, frozenset({"A"})), frozenset({"B", "C"})),
        (Ballot({}), frozenset({"A"})),
    ]
    found = judged(ballots, ShippedVoters(VOTERS, {}))
    assert found.voters == {GRAPH: Measured(3, 1 / 3), RULES: Measured(2, 0.5), TEXT: Measured(1, 0.0)}
    assert found.against == Measured(1, 1.0)
    assert found.agreed == Measured(2, 0.5)
    assert found.labels == Measured(2, 0.5)  # who spoke against a guess kept it from being one
    assert found.confidence == pytest.approx((19 / 20 + 19 / (20 + 1.5)) / 2)


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, with_text=False, choice=KnowledgeChoice())


@pytest.mark.slow
def test_every_rule_that_names_a_disease_is_shipped_and_known(service: DiagnosisService) -> None:
    named = shipped_voters().named
    rules = {
        placed.rule.id for file in shipped_rules() for placed in file.rules if hasattr(placed.rule, "id")
    }
    assert named.keys() <= rules
    assert set(named.values()) <= set(map(str, service.graph.disease_ids))


@pytest.mark.slow
def test_a_red_flag_votes_for_what_it_names_and_sex_and_age_against(service: DiagnosisService) -> None:
    names, named = DiseaseNames(service.graph), shipped_voters().named
    seen = [Finding(TermId(t), FindingState.OBSERVED) for t in ("HP:0001945", "HP:0002315", "HP:0031179")]
    ballot = cast_votes(service, Presentation(tuple(seen), (), Sex.MALE, 40 * YEAR), names, named)
    assert ballot.votes[RULES] == names.one("COMMON:bacterial-meningitis")
    assert not ballot.against
    for sex, age, disease in (
        (Sex.MALE, 40 * YEAR, "COMMON:ectopic-pregnancy"),
        (Sex.FEMALE, 40 * YEAR, "COMMON:testicular-torsion"),
        (Sex.FEMALE, 40 * YEAR, "COMMON:neonatal-jaundice"),
    ):
        asked = Presentation((), (), sex, age)
        assert cast_votes(service, asked, names, named, coded=disease).against == {names.one(disease)}
        assert service.constraints(asked).share[service.graph.disease_index[DiseaseId(disease)]] <= log(
            1 / 20
        )
