"""Rules over a made-up ontology: what meets, blocks, almost meets; and what a broken file is told."""

import numpy as np
import pytest

from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.checking import check_file
from knowledge_graph.rules.constraints import constraint_share
from knowledge_graph.rules.facts import CodedCondition, Facts, LabValue
from knowledge_graph.rules.laboratory import by_loinc, check_digit_holds, laboratory_terms
from knowledge_graph.rules.requirement import age_words
from knowledge_graph.rules.rule import RuleBook
from knowledge_graph.rules.rule_file import RuleFile, merge, read_rules
from knowledge_graph.rules.trace import RuleTrace, apply_rules
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph

SEIZURE, FOCAL, FEVER, RASH, ITCHY = "HP:0000010", "HP:0000011", "HP:0000020", "HP:0000030", "HP:0000031"
HEAD = '[sources.book]\nname = "A made-up textbook"\n'


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def flag(body: str, name: str = "fit-fever", block: str = "red_flag") -> str:
    return (
        f'[[{block}]]\nid = "{name}"\ntitle = "A fit"\nurgency = "urgent"\naction = "Look again."\n'
        f'source = "book"\n{body}\n'
    )


def book(*texts: str) -> RuleBook:
    read = [read_rules(text, origin=f"file {i}") for i, text in enumerate(texts, start=1)]
    assert [f.problems for f in read] == [()] * len(texts)
    return merge(read)


def findings(*terms: str) -> tuple[Finding, ...]:
    """A minus sign excludes."""
    return tuple(
        Finding(TermId(t.lstrip("-")), FindingState.EXCLUDED if t[0] == "-" else FindingState.OBSERVED)
        for t in terms
    )


def applied(graph: CompiledGraph, text: str, *terms: str, **rest: object) -> RuleTrace:
    return apply_rules(graph, book(HEAD + text), Facts(findings(*terms), **rest))  # type: ignore[arg-type]


BOTH = flag(f'all = ["{SEIZURE} Seizure", "{FEVER} Fever"]')


def test_a_finding_below_the_term_counts_and_is_named(graph: CompiledGraph) -> None:
    alert = applied(graph, BOTH, FOCAL, FEVER).alerts[0]
    assert [(r.text, r.state, r.by) for r in alert.met] == [
        ("Seizure", "met", ("Focal seizure",)),
        ("Fever", "met", ("Fever",)),
    ]
    assert (alert.source, alert.origin) == ("A made-up textbook", "file 1")


def test_a_finding_above_the_term_does_not_count(graph: CompiledGraph) -> None:
    assert applied(graph, flag(f'all = ["{FOCAL} Focal seizure"]'), SEIZURE).alerts == ()


def test_one_thing_short_is_told_with_what_is_missing(graph: CompiledGraph) -> None:
    near = applied(graph, BOTH, FOCAL).almost
    assert [(n.missing.text, n.missing.state, n.held_back) for n in near] == [("Fever", "not met", False)]


def test_what_was_excluded_is_no_near_miss(graph: CompiledGraph) -> None:
    assert applied(graph, BOTH, FOCAL, f"-{FEVER}").almost == ()


def test_an_excluded_term_blocks_what_lies_below_it_and_the_trace_says_so(graph: CompiledGraph) -> None:
    trace = applied(graph, BOTH, FOCAL, FEVER, f"-{SEIZURE}")
    assert trace.alerts == ()
    assert [(n.missing.text, n.missing.by, n.held_back) for n in trace.almost] == [
        ("Seizure", ("Focal seizure",), True)
    ]


def test_the_very_term_observed_wins_over_the_same_term_excluded(graph: CompiledGraph) -> None:
    assert applied(graph, BOTH, SEIZURE, f"-{SEIZURE}", FEVER).alerts


def test_unless_holds_back(graph: CompiledGraph) -> None:
    text = flag(f'all = ["{SEIZURE} Seizure"]\nunless = ["{RASH} Rash"]')
    assert applied(graph, text, SEIZURE).alerts
    held = applied(graph, text, SEIZURE, ITCHY)
    assert (held.alerts, [n.held_back for n in held.almost]) == ((), [True])


def test_some_of_several_counts_each_term_once(graph: CompiledGraph) -> None:
    text = flag(f'any = ["{SEIZURE} Seizure", "{FEVER} Fever", "{RASH} Rash"]\nat_least = 2')
    assert applied(graph, text, SEIZURE, FOCAL).alerts == ()
    assert applied(graph, text, FOCAL, ITCHY).alerts


def test_sex_and_age_have_to_be_known(graph: CompiledGraph) -> None:
    text = flag(f'all = ["{FEVER} Fever"]\nsex = "FEMALE"\nage_from = "2 years"\nage_below = "5 years"')
    fits = {"sex": Sex.FEMALE, "age_days": 1000}
    assert applied(graph, text, FEVER, **fits).alerts
    unknown = applied(graph, text, FEVER, sex=Sex.FEMALE)
    assert [n.missing.state for n in unknown.almost] == ["unknown"]
    for wrong in ({"sex": Sex.MALE}, {"sex": Sex.OTHER}, {"age_days": 700}, {"age_days": 1830}):
        assert applied(graph, text, FEVER, **{**fits, **wrong}).alerts == ()


def test_sex_and_age_alone_are_no_near_miss(graph: CompiledGraph) -> None:
    text = flag(f'all = ["{FEVER} Fever"]\nage_below = "5 years"')
    assert applied(graph, text, age_days=10).almost == ()


@pytest.mark.parametrize(
    ("lab", "fires"),
    [
        (LabValue("2823-3", 6.5, "mmol/L"), True),
        (LabValue("2823-3", 6.5, "mEq/L"), True),
        (LabValue("2823-3", 6.4, "mmol/L"), False),
        (LabValue("2823-3", 6.5, "mg/dL"), False),  # another unit
        (LabValue("2823-3", 6.5), False),  # no unit
        (LabValue("2823-3", None, "mmol/L"), False),
        (LabValue("2823-3", 6.0, "mmol/L", ">"), False),  # it may be above or not
        (LabValue("2823-3", 7.0, "mmol/L", "<"), False),
        (LabValue("2823-3", 7.0, "mmol/L", ">="), True),
        (LabValue("2951-2", 7.0, "mmol/L"), False),  # another test
    ],
)
def test_a_bound_needs_its_own_unit(graph: CompiledGraph, lab: LabValue, fires: bool) -> None:
    text = flag(
        'labs = [{ test = "potassium", loinc = ["2823-3"], at_least = 6.5, units = ["mmol/L", "meq/L"] }]'
    )
    assert bool(applied(graph, text, labs=(lab,)).alerts) is fires


def test_a_multiple_needs_a_reference_range(graph: CompiledGraph) -> None:
    text = flag('labs = [{ test = "lipase", loinc = ["3040-3"], times_upper = 3 }]')
    assert applied(graph, text, labs=(LabValue("3040-3", 181.0, "U/L", upper=60.0),)).alerts
    assert not applied(graph, text, labs=(LabValue("3040-3", 179.0, "U/L", upper=60.0),)).alerts
    assert not applied(graph, text, labs=(LabValue("3040-3", 999.0, "U/L"),)).alerts


@pytest.mark.parametrize(
    ("system", "code", "fires"),
    [
        ("ICD-10", "O14.1", True),
        ("ICD-10", "O141", True),
        ("ICD-10", "o14.1", True),
        ("ICD-10", "P14", False),
        ("SNOMED", "77386006", True),
        ("SNOMED", "773860061", False),
        ("", "O14.1", False),
    ],
)
def test_a_code_stands_for_what_lies_below_it(
    graph: CompiledGraph, system: str, code: str, fires: bool
) -> None:
    text = flag('codes = ["ICD-10:O14", "SNOMED:77386006"]')
    assert bool(applied(graph, text, conditions=(CodedCondition(system, code),)).alerts) is fires


def test_what_lacks_more_than_one_thing_or_the_right_age_is_no_near_miss(graph: CompiledGraph) -> None:
    some = flag(f'all = ["{FEVER} Fever"]\nany = ["{SEIZURE} Seizure", "{RASH} Rash"]\nat_least = 2')
    assert applied(graph, some, FEVER).almost == ()
    assert [n.missing.lacking for n in applied(graph, some, FEVER, RASH).almost] == [1]
    young = flag(f'all = ["{FEVER} Fever"]\nage_below = "5 years"')
    assert applied(graph, young, FEVER, age_days=9_000).almost == ()
    assert applied(graph, young, FEVER).almost


def test_the_most_urgent_stands_first(graph: CompiledGraph) -> None:
    later = flag(f'all = ["{RASH} Rash"]', "rash").replace("urgent", "emergency")
    assert [a.rule_id for a in applied(graph, BOTH + later, FOCAL, FEVER, RASH).alerts] == [
        "rash",
        "fit-fever",
    ]


def test_a_hospital_replaces_and_switches_off_by_id() -> None:
    own = HEAD + flag(f'all = ["{RASH} Rash"]') + '[[switch_off]]\nid = "other"\nreason = "Not here."\n'
    merged = book(HEAD + BOTH + flag(f'all = ["{RASH} Rash"]', "other"), own)
    assert [(r.id, r.origin, len(r.all)) for r in merged.red_flags] == [("fit-fever", "file 2", 1)]
    assert [(r.id, r.origin) for r in merged.switched_off] == [("other", "file 2")]


def test_a_constraint_holds_every_id_of_a_disease(graph: CompiledGraph) -> None:
    text = HEAD + (
        '[[constraint]]\nid = "men"\ntitle = "Not in men"\ndiseases = ["OMIM:1 Fit disease"]\n'
        'sex = "FEMALE"\neffect = "lower"\nsource = "book"\n'
    )
    held = book(text)
    one, other = graph.disease_number("OMIM:1"), graph.disease_number("ORPHA:3")
    shown_as = np.arange(len(graph.disease_ids))
    alone = constraint_share(graph, held, sex=Sex.MALE, age_days=None, shown_as=shown_as)
    assert np.flatnonzero(alone.share).tolist() == [one]
    shown_as[other] = one
    both = constraint_share(graph, held, sex=Sex.MALE, age_days=None, shown_as=shown_as)
    assert set(np.flatnonzero(both.share).tolist()) == {one, other}
    assert [h.rule_id for h in both.of_disease(other)] == ["men"]


TESTS = f"""{HEAD}[[laboratory]]
name = "fevers"
loinc = ["2823-3"]
low = "{RASH} Rash"
high = "{FEVER} Fever"
source = "book"
"""


def test_the_newest_value_of_a_test_speaks_where_it_is_out_of_range() -> None:
    rules = by_loinc(book(TESTS).laboratory)
    old, new = LabValue("2823-3", 9.0, side="high"), LabValue("2823-3", 4.0)
    assert laboratory_terms(rules, [old]) == (FEVER,)
    assert laboratory_terms(rules, [old, new]) == ()  # the newest lies within, or has no range
    assert laboratory_terms(rules, [new, LabValue("2823-3", 1.0, side="low")]) == (RASH,)
    assert laboratory_terms(rules, [LabValue("2951-2", 9.0, side="high")]) == ()


def test_check_digits_are_those_of_loinc() -> None:
    assert all(map(check_digit_holds, ("718-7", "2823-3", "10839-9", "8480-6")))
    assert not any(map(check_digit_holds, ("718-6", "2832-3", "10893-9")))


def problems(graph: CompiledGraph, text: str, earlier: tuple[RuleFile, ...] = ()) -> list[tuple[int, str]]:
    found = check_file(graph, read_rules(text, origin="own"), earlier)
    return [(p.line, p.message) for p in found]


def said(graph: CompiledGraph, body: str, block: str = "red_flag") -> list[tuple[int, str]]:
    return problems(graph, HEAD + flag(body, block=block))


def test_a_sound_file_has_no_problem(graph: CompiledGraph) -> None:
    assert problems(graph, HEAD + BOTH) == problems(graph, TESTS) == problems(graph, "") == []


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        (f'all = [\n  "{SEIZURE} Seizure",\n  "HP:9999999 Nothing",\n]', 11, "no current term"),
        (f'all = ["{SEIZURE} Fever"]', 9, "is 'Seizure', not 'Fever'"),
        ('all = ["HP:0000910 Fits"]', 9, "has become HP:0000010 Seizure"),
        ('all = ["HP:0003581 Adult onset"]', 9, "no phenotypic abnormality"),
        ('all = ["LOCAL:chill Chill"]', 9, "LOCAL:chill is no"),
        ('all = ["HP:10 Seizure"]', 9, "all: Expected `str` matching regex"),
        (f'all = ["{SEIZURE} Seizure"]\nurgence = "soon"', 10, "'urgence' is no key"),
        (
            f'any = ["{SEIZURE} Seizure", "{FOCAL} Focal seizure"]',
            9,
            "Focal seizure lies at or below Seizure",
        ),
        (f'all = ["{FOCAL} Focal seizure"]\nany = ["{SEIZURE} Seizure"]', 10, "always met"),
        (f'all = ["{FOCAL} Focal seizure"]\nunless = ["{SEIZURE} Seizure"]', 10, "can never fire"),
        (f'any = ["{SEIZURE} Seizure"]\nat_least = 2', 10, "can never be met"),
        (f'all = ["{SEIZURE} Seizure"]\nat_least = 2', 10, "there are none"),
        ("", 4, "asks for nothing"),
        (f'all = ["{FEVER} Fever"]\nage_from = "5 years"\nage_below = "3 years"', 11, "nobody is"),
        (f'all = ["{FEVER} Fever"]\nage_from = "five"', 10, "age_from: Expected"),
        (f'all = ["{FEVER} Fever"]\nsex = "OTHER"', 10, "FEMALE or MALE"),
        (f'all = ["{FEVER} Fever"]\norigin = "us"', 10, "origin is not for a file"),
        ('labs = [{ test = "potassium", loinc = ["2823-4"], side = "high" }]', 9, "wrong check digit"),
        ('labs = [{ test = "potassium", loinc = ["2823-3"], at_least = 6.5 }]', 9, "needs its units"),
        ('labs = [{ test = "potassium", loinc = ["2823-3"] }]', 9, "one of at_least"),
    ],
)
def test_a_mistake_is_told_with_its_line(graph: CompiledGraph, body: str, line: int, words: str) -> None:
    found = said(graph, body)
    assert [n for n, _ in found] == [line]
    assert words in found[0][1]


def test_a_pair_has_two_findings(graph: CompiledGraph) -> None:
    assert said(graph, f'all = ["{FEVER} Fever", "{RASH} Rash"]', "pair") == []
    assert "two findings" in said(graph, f'all = ["{FEVER} Fever"]', "pair")[0][1]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a = [1,\n\nb", 3, "not valid TOML"),
        ('[[red_flag]]\nid = "a"\nid = "b"\n', 3, "not valid TOML"),
        ("[[redflag]]\nid = 'a'\n", 1, "'redflag' is no kind of rule"),
        ('x = 1\n[[pair]]\nid = """\n"""\n', 3, "one line"),
        ("[red_flag]\nid = 'a'\n", 1, "no kind of rule"),
        ("sources = 3\n", 1, "[sources.NAME]"),
        ('[sources.a]\nname = "A book"\n\n[sources.b]\nnme = "B"\n', 5, "no key"),
        ("[[switch_off]]\nid = 'nothing'\nreason = 'none'\n", 2, "no such rule"),
        (HEAD + BOTH.replace('"book"', '"boook"'), 8, "'boook' is not described"),
        (HEAD, 1, "never used"),
        (HEAD + BOTH + BOTH, 11, "stands in line 4 already"),
        (TESTS + TESTS.replace(HEAD, "").replace("fevers", "more"), 11, "belongs to 'fevers' already"),
    ],
)
def test_what_a_file_is_told(graph: CompiledGraph, text: str, line: int, words: str) -> None:
    found = problems(graph, text)
    assert any(n == line and words in message for n, message in found), found


def test_each_mistake_of_a_file_is_told(graph: CompiledGraph) -> None:
    text = HEAD + flag("all = 3", "one") + BOTH + flag('all = ["HP:9999999 X"]', "two") + "[[nothing]]\n"
    assert [line for line, _ in problems(graph, text)] == [9, 23, 24]


def test_a_source_of_another_file_keeps_its_meaning(graph: CompiledGraph) -> None:
    own = HEAD.replace("made-up", "second") + flag(f'all = ["{RASH} Rash"]', "own")
    found = problems(graph, own, (read_rules(HEAD + BOTH, origin="built in"),))
    assert [line for line, _ in found] == [1]
    assert "rename" in found[0][1]


@pytest.mark.parametrize(
    "text", ["\x00", "=" * 50, "[" * 5000, "[[red_flag]]\n" * 3, "red_flag = [[[1]]]", "a.b.c = 1"]
)
def test_nonsense_is_refused_and_nothing_is_raised(graph: CompiledGraph, text: str) -> None:
    assert problems(graph, text)


@pytest.mark.parametrize(
    ("days", "said"), [(1, "1 day"), (59, "59 days"), (60, "2 months"), (730, "2 years")]
)
def test_an_age_is_told_in_the_largest_unit_that_says_enough(days: int, said: str) -> None:
    assert age_words(days) == said
