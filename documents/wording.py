"""The words of the documents, and how their dates are written, in each language."""

import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from babel.dates import format_date
from babel.numbers import format_currency

Language: TypeAlias = Literal["fr", "en"]
Words: TypeAlias = Callable[..., str]
"""Says the sentence of a key in one language, with its facts."""

_FILE = Path(__file__).with_name("words.toml")
_PATTERNS = {"fr": "EEEE d MMMM y", "en": "EEEE, MMMM d, y"}
_LOCALES = {"fr": "fr_CA", "en": "en_CA"}


def weekday_date(day: date, language: Language) -> str:
    """Word a date with its weekday.

    >>> weekday_date(date(2027, 1, 1), "fr"), weekday_date(date(2027, 1, 1), "en")
    ('vendredi 1er janvier 2027', 'Friday, January 1, 2027')
    """
    pattern = _PATTERNS[language]
    if language == "fr" and day.day == 1:
        pattern = pattern.replace("d ", "d'er' ")  # Babel does not know « 1er »
    return format_date(day, pattern, locale=_LOCALES[language])


def money(cents: int, language: Language) -> str:
    """Word an amount of Canadian cents.

    >>> money(18500, "en")
    '$185.00'
    """
    return format_currency(Decimal(cents) / 100, "CAD", locale=_LOCALES[language])


def words_of(document: str, language: Language) -> Words:
    """Say the sentences of one kind of document; KeyError for one that is missing."""

    def say(key: str, /, **facts: object) -> str:
        return words()[document][key][language].format_map(facts)

    return say


@cache
def words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Read the catalogue: document to key to language to sentence."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
