"""How a date, an amount, a condition and a source are said in each language."""

from datetime import date

import pytest

from letters.facts import ConditionLine
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

each_language = pytest.mark.parametrize("language", LANGUAGES)


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
