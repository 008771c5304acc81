"""How dates, amounts, conditions and sources are worded in each language."""

import tomllib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from babel.dates import format_date
from babel.numbers import format_currency

from letters.facts import ConditionLine
from letters.plain import one_line, paragraphs

Language: TypeAlias = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")

_FOLDER = Path(__file__).parent
_LOCALES = {"fr": "fr_CA", "en": "en_CA"}
_ANSWERS: dict[bool | None, str] = {True: "yes", False: "no", None: "waiting"}
_NO_BREAK = "\u00a0"


def full_date(day: date, language: Language) -> str:
    """Word a date without its weekday: 1er janvier 2027, January 1, 2027."""
    return _date(day, language, fr="d MMMM y", en="MMMM d, y")


def weekday_date(day: date, language: Language) -> str:
    """Word a date with its weekday, without an article."""
    return _date(day, language, fr="EEEE d MMMM y", en="EEEE, MMMM d, y")


def deadline(day: date, language: Language) -> str:
    """Word the last minute of *day*, with the zone it is counted in."""
    worded = weekday_date(day, language)
    if language == "fr":
        return f"{worded} à {last_minute(language)}"
    return f"{worded}, at {last_minute(language)}"


def last_minute(language: Language) -> str:
    """Word the last minute of any day, with the zone it is counted in."""
    if language == "fr":
        return f"23{_NO_BREAK}h{_NO_BREAK}59 (heure de Montréal)"
    return f"11:59{_NO_BREAK}p.m. (Montréal time)"


def money(cents: int, language: Language) -> str:
    """Word an amount of Canadian cents."""
    amount = Decimal(cents) / 100
    return format_currency(amount, "CAD", locale=_LOCALES[language])


def days(count: int, language: Language) -> str:
    """Word a number of days."""
    if language == "fr":
        return f"{count}{_NO_BREAK}{'jour' if count in (0, 1) else 'jours'}"
    return f"{count}{_NO_BREAK}{'day' if count == 1 else 'days'}"


def condition(line: ConditionLine, language: Language) -> str:
    """Word a condition, its answer and its source; KeyError if it has no words."""
    return f"{answered(line, language)} ({source(line.source, language)})"


def answered(line: ConditionLine, language: Language) -> str:
    """Word a condition and its answer alone, where its source stands beside them."""
    answer = _ANSWERS[line.met]
    head = _conditions()["answers"][language][answer]
    return f"{head} {_conditions()[line.key][language][answer]}"


def source(key: str, language: Language) -> str:
    """Word the source that a citation names; an unknown one is printed as it is."""
    known = _sources().get(key)
    return known[language] if known else one_line(key)


def quoted(text: str) -> str:
    """Set a text that somebody typed apart from the letter's own words."""
    return "\n\n".join(f"    {line}" for line in paragraphs(text))


FILTERS: dict[str, Callable[..., str]] = {
    "full_date": full_date,
    "weekday_date": weekday_date,
    "deadline": deadline,
    "money": money,
    "days": days,
    "condition": condition,
    "source": source,
}


@lru_cache(maxsize=4096)  # a list prints the same few days again and again
def _date(day: date, language: Language, *, fr: str, en: str) -> str:
    pattern = fr if language == "fr" else en
    if language == "fr" and day.day == 1:
        pattern = pattern.replace("d ", "d'er' ")  # Babel does not know « 1er »
    return format_date(day, pattern, locale=_LOCALES[language])


@cache
def _conditions() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads((_FOLDER / "conditions.toml").read_text(encoding="utf-8"))


@cache
def _sources() -> dict[str, dict[str, str]]:
    return tomllib.loads((_FOLDER / "sources.toml").read_text(encoding="utf-8"))
