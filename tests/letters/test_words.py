"""The words: both languages say the same, plainly, and say what to do first.

ECHEANCE_WRITE_SNAPSHOTS=1 rewrites tests/letters/snapshots: run it after a change of
words, then read what changed in both languages before keeping it.
"""

import os
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from letters.compose import body, known_notices, subject
from letters.facts import ConditionLine, LetterFacts, Notice
from letters.layout import COLUMNS, laid_out
from letters.wording import (
    LANGUAGES,
    Language,
    condition,
    days,
    deadline,
    full_date,
    money,
    source,
    weekday_date,
)
from rules.reasons import Condition
from tests.letters.examples import an_example, every_letter

SNAPSHOTS = Path(__file__).parent / "snapshots"
LETTERS = every_letter()
ADDRESS = re.compile(r"https?://\S+|[^\s@]+@[^\s@]+\w")
NUMBER = re.compile(r"\b(?:CAR\d{12}|F-\d{4}-\d{6}|\d{6})\b")
FRENCH_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Nothing is asked by these at a date; the date they may carry comes further down.
NOTHING_TO_DO_YET = frozenset({Notice.TRANSFER_RECEIVED})

each_letter = pytest.mark.parametrize("name", sorted(LETTERS))
each_language = pytest.mark.parametrize("language", LANGUAGES)


def flat(facts: LetterFacts, language: Language) -> str:
    """Give subject and body as one line with plain spaces."""
    text = f"{subject(facts, language)} {body(facts, language)}"
    return " ".join(text.split())


def dates_in(text: str, language: Language) -> Counter[tuple[int, int, int]]:
    if language == "fr":
        months = "|".join(FRENCH_MONTHS)
        found = re.findall(rf"(\d{{1,2}})(?:er)? ({months}) (\d{{4}})", text)
        return Counter((int(y), FRENCH_MONTHS.index(m), int(d)) for d, m, y in found)
    months = "|".join(ENGLISH_MONTHS)
    found = re.findall(rf"({months}) (\d{{1,2}}), (\d{{4}})", text)
    return Counter((int(y), ENGLISH_MONTHS.index(m), int(d)) for m, d, y in found)


def cents_in(text: str, language: Language) -> Counter[int]:
    pattern = r"(\d+),(\d{2}) \$" if language == "fr" else r"\$(\d+)\.(\d{2})"
    return Counter(100 * int(a) + int(b) for a, b in re.findall(pattern, text))


def words_a_sentence(text: str) -> float:
    """Average words between full stops; an item or a paragraph ends a sentence."""
    text = ADDRESS.sub("adresse", text).replace("p.m.", "pm")
    pieces = re.split(r"[.!?](?=[\s)]|$)|\n\n|\n(?= *(?:-|\d+\.) )", text)
    counts = [n for piece in pieces if (n := len(re.findall(r"\w[\w'-]*", piece)))]
    return sum(counts) / len(counts)


@each_language
@each_letter
def test_every_letter_reads_as_its_snapshot(name: str, language: Language) -> None:
    facts = LETTERS[name]
    text = f"{subject(facts, language)}\n\n{body(facts, language)}"
    path = SNAPSHOTS / f"{name}.{language}.txt"
    if os.environ.get("ECHEANCE_WRITE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_no_snapshot_is_left_of_a_letter_that_is_no_more() -> None:
    kept = {path.name for path in SNAPSHOTS.iterdir()}
    assert kept == {f"{name}.{lang}.txt" for name in LETTERS for lang in LANGUAGES}


@each_letter
def test_both_languages_tell_the_same_facts(name: str) -> None:
    facts = LETTERS[name]
    french, english = flat(facts, "fr"), flat(facts, "en")
    assert dates_in(french, "fr") == dates_in(english, "en")
    assert cents_in(french, "fr") == cents_in(english, "en")
    assert Counter(NUMBER.findall(french)) == Counter(NUMBER.findall(english))
    assert Counter(ADDRESS.findall(french)) == Counter(ADDRESS.findall(english))
    assert french.count("23 h 59 (heure de Montréal)") == english.count(
        "11:59 p.m. (Montréal time)"
    )


@each_letter
def test_both_languages_have_the_same_paragraphs_and_items(name: str) -> None:
    shapes = [
        [
            re.sub(r"(?m)^( *)(- |\d+\. )?.*", r"\1\2", block).split("\n")[0]
            for block in body(LETTERS[name], language).split("\n\n")
        ]
        for language in LANGUAGES
    ]
    assert shapes[0] == shapes[1]


@each_language
@each_letter
def test_a_subject_is_short_and_holds_the_dossier_number(
    name: str, language: Language
) -> None:
    line = subject(LETTERS[name], language)
    assert len(line) <= 110
    assert LETTERS[name].dossier in line


@each_language
@each_letter
def test_no_line_is_wider_than_76_columns_but_for_an_address(
    name: str, language: Language
) -> None:
    for line in body(LETTERS[name], language).splitlines():
        assert len(line) <= COLUMNS or ADDRESS.search(line)


@each_language
@each_letter
def test_a_letter_is_read_in_short_sentences(name: str, language: Language) -> None:
    assert words_a_sentence(body(LETTERS[name], language)) <= 20


def test_the_measure_of_reading_tells_long_sentences_from_short_ones() -> None:
    assert words_a_sentence("One two three. Four.\n\n- Five six") == pytest.approx(2)
    assert words_a_sentence("mot " * 50 + ".") == pytest.approx(50)


@each_language
@each_letter
def test_the_first_line_after_the_greeting_says_by_when(
    name: str, language: Language
) -> None:
    facts = LETTERS[name]
    if facts.notice in NOTHING_TO_DO_YET:
        return
    limit = facts.renewable_until or facts.act_before
    if facts.notice.startswith("reminder"):
        limit = facts.last_valid_day
    greeting, first, *_ = body(facts, language).split("\n\n")
    assert greeting.startswith(("Bonjour", "Hello"))
    if limit is not None:
        assert full_date(limit, language) in " ".join(first.split())


@each_language
@each_letter
def test_a_letter_says_why_what_follows_where_to_get_help_and_its_source(
    name: str, language: Language
) -> None:
    text = body(LETTERS[name], language)
    why, follows, last = {
        "fr": ("Pourquoi ce courriel :", "La suite :", "Source : "),
        "en": ("Why you receive this e-mail:", "What happens next:", "Source: "),
    }[language]
    plain = text.replace("\u00a0", " ")
    assert plain.index(why) < plain.index(follows) < plain.index(last)
    assert "aide@echeance.example" in plain
    assert plain.rpartition("\n\n")[2].startswith(last)


@each_language
@each_letter
def test_no_letter_shows_a_seam(name: str, language: Language) -> None:
    text = flat(LETTERS[name], language)
    for seam in ("None", "{{", "{%", " ,", "..", "::", "()", " . ", "Undefined"):
        assert seam not in text
    assert not re.search(r"[.?!][A-ZÉÀÊ]", ADDRESS.sub("", text))


@each_letter
def test_french_colons_and_guillemets_never_part_from_their_word(name: str) -> None:
    text = body(LETTERS[name], "fr")
    assert not re.search(r"[ \n](:|»|\$)|«[ \n]", text)


@each_language
def test_a_review_by_a_person_discloses_nothing_but_the_dossier(
    language: Language,
) -> None:
    text = flat(an_example(Notice.TRANSFER_UNDER_REVIEW), language)
    numbers = set(NUMBER.findall(text))
    assert numbers == {an_example(Notice.TRANSFER_UNDER_REVIEW).dossier}


@each_language
@pytest.mark.parametrize("key", sorted(Condition))
@pytest.mark.parametrize("met", [True, False, None])
def test_every_condition_of_the_law_has_its_sentences(
    key: Condition, met: bool | None, language: Language
) -> None:
    line = condition(ConditionLine(key, met, "P-40.1"), language)
    start = {
        "fr": {True: "Oui : ", False: "Non : ", None: "En attente : "},
        "en": {True: "Yes: ", False: "No: ", None: "Waiting: "},
    }[language][met]
    assert line.startswith(start)
    assert line.endswith(f"({source('P-40.1', language)})")


def test_a_condition_without_words_is_an_error() -> None:
    with pytest.raises(KeyError):
        condition(ConditionLine("unheard_of", met=True, source="P-40.1"), "fr")


def test_a_source_that_is_not_known_is_printed_as_it_is() -> None:
    assert source("Loi X\r\nBcc: y", "fr") == "Loi X Bcc: y"


def test_the_notices_of_the_policy_all_have_a_letter() -> None:
    table = Path(__file__).parents[2] / "rules" / "policies" / "car.toml"
    named = set(re.findall(r'notice = "(\w+)"', table.read_text(encoding="utf-8")))
    assert named
    assert named <= known_notices()


@pytest.mark.parametrize(
    ("day", "french", "english"),
    [
        (date(2027, 1, 1), "1er janvier 2027", "January 1, 2027"),
        (date(2027, 1, 2), "2 janvier 2027", "January 2, 2027"),
        (date(2028, 2, 29), "29 février 2028", "February 29, 2028"),
        (date(2026, 8, 31), "31 août 2026", "August 31, 2026"),
    ],
)
def test_a_date_is_worded_as_people_write_it(
    day: date, french: str, english: str
) -> None:
    assert full_date(day, "fr") == french
    assert full_date(day, "en") == english


def test_the_first_of_the_month_is_premier_after_its_weekday_too() -> None:
    assert weekday_date(date(2027, 2, 1), "fr") == "lundi 1er février 2027"


def test_a_deadline_names_the_last_minute_and_its_zone() -> None:
    day = date(2026, 12, 9)
    assert deadline(day, "fr").replace("\u00a0", " ") == (
        "mercredi 9 décembre 2026 à 23 h 59 (heure de Montréal)"
    )
    assert deadline(day, "en").replace("\u00a0", " ") == (
        "Wednesday, December 9, 2026, at 11:59 p.m. (Montréal time)"
    )


@pytest.mark.parametrize(
    ("cents", "french", "english"),
    [
        (18500, "185,00\u00a0$", "$185.00"),
        (5, "0,05\u00a0$", "$0.05"),
        (173900, "1\u00a0739,00\u00a0$", "$1,739.00"),
    ],
)
def test_money_keeps_its_cents_and_never_breaks_across_lines(
    cents: int, french: str, english: str
) -> None:
    assert money(cents, "fr") == french
    assert money(cents, "en") == english


@pytest.mark.parametrize(
    ("count", "french", "english"),
    [(0, "0 jour", "0 days"), (1, "1 jour", "1 day"), (2, "2 jours", "2 days")],
)
def test_days_follow_the_plural_of_each_language(
    count: int, french: str, english: str
) -> None:
    assert days(count, "fr").replace("\u00a0", " ") == french
    assert days(count, "en").replace("\u00a0", " ") == english


def test_lists_keep_their_indent_and_an_address_stays_whole() -> None:
    address = "https://echeance.example/" + "a" * 80
    text = laid_out(f"Texte\nqui suit\n\n\n\n- {'mot ' * 30}\n1. {address}\n    cité")
    lines = text.splitlines()
    assert lines[:3] == ["Texte qui suit", "", "- " + ("mot " * 18).strip()]
    assert lines[3].startswith("  mot")
    assert f"1. {address}" in lines or f"   {address}" in lines
    assert lines[-1] == "    cité"
