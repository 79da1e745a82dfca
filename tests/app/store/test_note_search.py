"""Notes are found by words, prefixes, phrases, accents and Chinese; nothing typed is an error."""

import random
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store import note_look, note_ranking
from app.store.character_pairs import character_pairs
from app.store.database import create_database
from app.store.key_derivation import KdfParameters
from app.store.note_excerpt import excerpt, folded, has_beginning
from app.store.vault import Vault
from tests.watching import watch

ADA = PatientId("p-1")
TEXTS = {
    "letter": "She has seizures, no fever. Größe normal, naïve café.",
    "visit": "No seizures since. Fever came back.",
    "chinese": "患者发热咳嗽三天，伴头痛。",
    "mixed": "MRI 显示 lesion 左侧颞叶 with fever",
    "signs": "O'Neill's 5% NaCl; AND OR NOT NEAR text: a-b (c) {d}",
}


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    path = tmp_path_factory.mktemp("search") / "v"
    made, _ = Vault.create(path, user="ann", passphrase="a passphrase", kdf=KdfParameters.fast_for_tests())
    notes = [Note(NoteId(name), ADA, text, title=f"About {name}") for name, text in TEXTS.items()]
    made.put_records([Patient(ADA, "Ada Sample"), *notes], origin="t")
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("fever seiz", {"letter", "visit"}),
        ("seiz fever", set()),  # only the last word may be unfinished
        ('"no fever"', {"letter"}),
        ('"fever no"', set()),
        ('fever "no seizures"', {"visit"}),
        ('"no fev', {"letter", "visit"}),  # a quote left open is no phrase yet
        ("GROSSE", set()),
        ("große", {"letter"}),
        ("naive cafe", {"letter"}),
        ("発", set()),
        ("发热", {"chinese"}),
        ("热咳嗽", {"chinese"}),
        ("咳热", set()),
        ("痛", {"chinese"}),
        ("天伴", set()),
        ("lesion 颞叶", {"mixed"}),
        ("颞叶 fev", {"mixed"}),
        ("About chin", {"chinese"}),
        ("O'Neill's", {"signs"}),
        ("5%", {"signs"}),
        ("NEAR(text", {"signs"}),
    ],
)
def test_what_is_asked_for_is_found(vault: Vault, query: str, found: set[str]) -> None:
    assert {hit.note_id for hit in vault.search_notes(query)} == found


@pytest.mark.parametrize(
    "query",
    [
        *(
            '"',
            '""',
            '"""',
            "*",
            "^",
            "a*b",
            "-",
            "--",
            "(",
            ")",
            "AND",
            "a AND",
            "OR OR",
            "NOT x",
            "title:a",
        ),
        *("{title}: a", "NEAR(a b, 2", "a + b", "' OR 1=1 --", "\0", "a\0b", "\ud800", "\u202e", "%", "_"),
        *(" ", "", "\n\t", "🩺", "💥" * 500, "x " * 3000, '"' * 999, "é́", "发" * 2000, "a" * 100_000),
    ],
)
def test_no_sign_that_can_be_typed_is_an_error(vault: Vault, query: str) -> None:
    assert isinstance(vault.search_notes(query), list)


def test_a_hit_shows_where_it_matches(vault: Vault) -> None:
    assert "«seizures»" in vault.search_notes("seizures fever")[0].snippet
    assert "«发热»" in vault.search_notes("发热")[0].snippet
    (hit,) = vault.search_notes("About chin")
    assert "«About»" in hit.snippet


@pytest.mark.parametrize(
    ("text", "terms", "shown"),
    [
        (
            "No fever. " * 9 + "Größe naïve café now",
            ['"cafe"'],
            "… fever. No fever. No fever. Größe naïve «café» now",
        ),
        ("Seizures, then seizure-free", ['"seizu"*'], "«Seizures», then «seizure»-free"),
        ("Seizures", ['"seizu"'], "Seizures"),
        ("no fever today", ['"no fever"'], "«no» «fever» today"),
        ("İstanbul fever", ['"fever"'], "İstanbul «fever»"),
        ("", ['"fever"'], ""),
    ],
)
def test_an_excerpt_marks_the_words_around_the_first_match(text: str, terms: list[str], shown: str) -> None:
    assert excerpt(text, terms) == shown


def test_a_beginning_counts_only_where_the_whole_word_is_too_rare(vault: Vault) -> None:
    assert {hit.note_id for hit in vault.search_notes("No", limit=1)} == {"visit"}
    assert {hit.note_id for hit in vault.search_notes("No")} == {"letter", "visit", "signs"}


def test_pairs_do_not_reach_over_a_gap() -> None:
    assert character_pairs("发热, 头") == "发热 热 x 头 x"
    assert character_pairs("no such signs") == ""


def test_a_page_of_the_index_takes_one_page_of_the_file(tmp_path: Path) -> None:
    connection = create_database(tmp_path / "v.db", bytes(32))
    words = (" ".join(f"w{n * m:x}" for m in range(1, 200)) for n in range(1, 300))
    connection.execute("INSERT INTO patient VALUES ('p', '', '', '', '', x'', '', x'', 0, 0, '', '')")
    connection.executemany(
        "INSERT INTO note VALUES (NULL, hex(randomblob(8)), 'p', '', '', '', '', ?, '')",
        ((text,) for text in words),
    )
    connection.execute("INSERT INTO note_search (note_search) VALUES ('optimize')")
    (longest,) = connection.execute("SELECT max(length(block)) FROM note_search_data").fetchone()
    page, reserve, beside = (
        4096,
        80,
        35 + 4,
    )  # of a row in a leaf, and of its own head (SQLite's file format, 1.6)
    assert connection.execute("PRAGMA page_size").fetchone()[0] in (page, str(page))
    assert page - 200 < longest <= page - reserve - beside
    connection.close()


BEGINNINGS = (
    "abnorma",
    "abnormalit",
    "naïv",
    "naiv",
    "größ",
    "seiz",
    "seizx",
    "fev",
    "zzzz",
    "o'nei",
    "fever seiz",
)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    path, dice = tmp_path_factory.mktemp("many") / "v", random.Random(5)
    made, _ = Vault.create(path, user="ann", passphrase="a passphrase", kdf=KdfParameters.fast_for_tests())
    words = (
        "abnormality",
        "Abnormal",
        "abnegation",
        "naïve",
        "Größe",
        "seizures",
        "seize",
        "fever",
        "O'Neill",
    )
    rare = ("abnormalities", "seizx")
    notes = [
        Note(
            NoteId(f"n{n:03d}"),
            ADA,
            " ".join(dice.choices(words, k=3)) + f" {rare[n % 2] if n in (7, 8) else ''}",
        )
        for n in range(600)
    ]
    with made:
        made.put_records([Patient(ADA, "Ada Sample"), *notes], origin="t")
        yield made


@pytest.mark.parametrize("query", BEGINNINGS)
@pytest.mark.parametrize("limit", [5, 50, 1000])
def test_the_beginning_of_a_word_finds_what_a_walk_through_all_notes_finds(
    many: Vault, query: str, limit: int
) -> None:
    wanted = [folded(word) for word in query.replace("'", " ").split()]
    all_notes = many.chart(ADA).notes
    matching = {
        note.id
        for note in all_notes
        if all(any(w.startswith(x) for w in re.findall(r"\w+", folded(note.text))) for x in wanted)
    }
    hits = many.search_notes(query, limit=limit)
    assert len(hits) == len({hit.note_id for hit in hits}) == min(limit, len(matching))
    assert {hit.note_id for hit in hits} <= matching
    assert all("«" in hit.snippet for hit in hits)


@pytest.fixture(scope="module")
def long_notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """Notes of twenty words, some of them in nearly every note and some in few."""
    path, dice = tmp_path_factory.mktemp("long") / "v", random.Random(8)
    made, _ = Vault.create(path, user="ann", passphrase="a passphrase", kdf=KdfParameters.fast_for_tests())
    words = [
        f"{start}{end}" for start in ("fev", "seiz", "größ", "no") for end in ("", "er", "ures", "ures2")
    ]
    weights = [1 / (1 + n) for n in range(len(words))]
    texts = (" ".join(dice.choices(words, weights, k=20)) for _ in range(300))
    with made:
        notes = [Note(NoteId(f"n{n:03d}"), ADA, text) for n, text in enumerate(texts)]
        made.put_records([Patient(ADA, "Ada Sample"), *notes], origin="t")
        yield made


@pytest.mark.parametrize("rare", [((1_000, 2), (4_000, 1)), ((40, 2), (90, 1))])
@pytest.mark.parametrize("limit", [3, 30, 1000])
def test_a_pasted_line_finds_the_notes_that_a_walk_through_all_finds(
    long_notes: Vault, monkeypatch: pytest.MonkeyPatch, rare: tuple[tuple[int, int], ...], limit: int
) -> None:
    monkeypatch.setattr(note_ranking, "_RARE", rare)
    dice = random.Random(limit)
    all_notes = long_notes.chart(ADA).notes
    held = {note.id: [folded(word) for word in note.text.split()] for note in all_notes}
    for _ in range(25):
        pasted = dice.choice(all_notes).text.split()[: dice.randrange(2, 13)]
        if dice.random() < 0.5:
            pasted[-1] = pasted[-1][: dice.randrange(2, 5)]
        query = list(dict.fromkeys(folded(word) for word in reversed(pasted)))[::-1]
        others, last = query[:-1], query[-1]
        having = [note for note, words in held.items() if set(others) <= set(words)]
        whole = {note for note in having if last in held[note]}
        begun = {note for note in having if any(word.startswith(last) for word in held[note])}
        wanted = whole if len(whole) >= limit else begun
        hits = [hit.note_id for hit in long_notes.search_notes(" ".join(pasted), limit=limit)]
        assert len(hits) == len(set(hits)) == min(limit, len(wanted))
        assert set(hits) <= wanted


def test_of_many_words_the_rarest_are_told_without_counting_the_common_ones(
    long_notes: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, terms = long_notes.session(), ['"fever"', '"fev"', '"noer"', '"noures2"', '"seizures"']
    entries = {term: note_ranking._entries(session, term, 1_000) for term in terms}
    rare = sorted(term for term in terms if entries[term] < 150)
    assert '"fev"' not in rare
    assert '"noures2"' in rare
    monkeypatch.setattr(note_ranking, "_RARE", ((150, len(rare)),))
    assert sorted(term for _, term in note_ranking._counted(session, terms)) == rare
    monkeypatch.setattr(note_ranking, "_RARE", ((150, len(rare) + 1),))
    assert sorted(note_ranking._counted(session, terms)) == sorted((n, term) for term, n in entries.items())
    assert note_ranking._rarest(session, terms[:2]) == ['"fever"', '"fev"']


def test_a_phrase_counts_as_what_is_read_to_find_it(long_notes: Vault) -> None:
    session = long_notes.session()
    each = {word: note_ranking._entries(session, f'"{word}"', 1_000) for word in ("fev", "noures2")}
    assert note_ranking._entries(session, '"fev noures2"', 1_000) == 2 * each["noures2"]
    assert note_ranking._entries(session, '"noures2 fev"', 50) == 50
    assert note_ranking._entries(session, '"noures2 fe"*', 1_000) == 2 * each["noures2"]


def test_a_common_beginning_is_looked_for_among_the_newest_notes_alone(
    many: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = many.session()
    asked = [watch(monkeypatch, session, name) for name in ("rows", "rows_until")]

    def parameters() -> list[str]:
        return [str(value) for _sql, *given in chain(*asked) for values in given for value in values]

    hits = many.search_notes("abnorma", limit=20)
    assert [hit.note_id for hit in hits] == sorted((hit.note_id for hit in hits), reverse=True)
    assert '"abnorma"*' not in parameters()
    many.search_notes("seizx", limit=20)
    many.search_notes("abnormaliti", limit=20)
    assert '"abnormaliti"*' in parameters()


def test_a_beginning_is_told_as_the_index_tells_it() -> None:
    assert has_beginning("A Größenordnung", "größ")
    assert has_beginning("two_abnormal", "Abnorm")  # the index ends a word at a sign
    assert not has_beginning("unabnormal 3abnormal", "abnorm")


def test_words_and_chinese_are_found_together_by_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = Vault.create(
        tmp_path / "v", user="ann", passphrase="a passphrase", kdf=KdfParameters.fast_for_tests()
    )
    texts = [
        f"{'fever' if n % 2 else 'cough'} {'发热' if n % 3 else '咳嗽'} {'rare' * (n == 5)}"
        for n in range(90)
    ]
    with made:
        notes = [Note(NoteId(f"n{n:02d}"), ADA, text) for n, text in enumerate(texts)]
        made.put_records([Patient(ADA, "Ada Sample"), *notes], origin="t")
        for few, most in ((0, 2_000), (7, 2_000), (7, 10), (200, 2_000)):
            monkeypatch.setattr(note_look, "_FEW", few)
            monkeypatch.setattr(note_look, "RANKED", most)
            for query, words in (("fever 发热", ("fever", "发热")), ("rare 发热", ("rare", "发热"))):
                wanted = [n for n in reversed(range(90)) if all(word in texts[n] for word in words)][:most]
                found = [int(hit.note_id[1:]) for hit in made.search_notes(query, limit=100)]
                assert sorted(found, reverse=True) == wanted
            assert made.search_notes("cough rare 发热") == []
