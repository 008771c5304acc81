"""Every sentence of the pages, said in one language with its facts."""

import re
import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_datetime, format_time
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from api.errors import WORDINGS, Refused
from api.language import Language
from letters import wording
from letters.layout import french_spacing
from rules.civil_time import ZONE, civil_date

_FILES = (
    "words.toml",
    "words_of_money.toml",
    "words_of_calendars.toml",
    "words_of_sweeps.toml",
    "words_of_staff.toml",
    "words_of_imports.toml",
)
_NO_BREAK = "\u00a0"
_A_THOUSAND = 1000
LADDER = re.compile(r"(reminder|exam_ends)_(\d+)")
"""A notice that is a step before a limit: of which ladder, and how many days before."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence still without a language: its key in words.toml, and its facts."""

    key: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Voice:
    """Says the sentences of the pages in one language, safe to print in HTML."""

    language: Language

    def __call__(self, key: str, **facts: object) -> Markup:
        """Say the sentence of *key*; raises KeyError without it, or without a fact."""
        text = _escaped(key, self.language)
        if "{" not in text and "}" not in text:
            return text  # most of a page: nothing to word
        said = _Facts(self.language).vformat(str(text), (), facts)
        return Markup(said)  # noqa: S704 - the text and each fact are escaped

    def named(self, key: str, name: str) -> Markup:
        """Say the sentence of one of several things, or the one for all others."""
        own = f"{key}_{name}"
        return self(own if own in words() else f"{key}_other", name=name)

    def fault(self, fault: Sentence | Refused) -> Markup:
        """Say what is wrong at a field of a form."""
        return self.refusal(fault) if isinstance(fault, Refused) else self.say(fault)

    def refusal(self, refused: Refused) -> Markup:
        """Say why not; what is told to a machine in its own words has others here."""
        key = f"refused.{refused.code}"
        if key in words():
            return self(key, **refused.about)
        return escape(refusal(refused, self.language))

    def say(self, sentence: Sentence) -> Markup:
        """Say a sentence chosen elsewhere."""
        return self(sentence.key, **sentence.facts)


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Read the catalogue: "section.key" to language to sentence."""
    folder = Path(__file__).parent
    return {
        f"{section}.{key}": {**said, "fr": french_spacing(said["fr"])}
        for file in _FILES
        for section, sentences in tomllib.loads(
            (folder / file).read_text(encoding="utf-8")
        ).items()
        for key, said in sentences.items()
    }


@cache
def _escaped(key: str, language: Language) -> Markup:
    return escape(words()[key][language])


def instant(at: datetime, language: Language) -> str:
    """Word an instant by its day and hour in Montréal."""
    day = wording.weekday_date(civil_date(at), language)
    return f"{day} {'à' if language == 'fr' else 'at'} {hour(at, language)}"


def hour(at: datetime, language: Language) -> str:
    """Word the hour of an instant in Montréal, its day being said elsewhere."""
    local = at.astimezone(ZONE)
    if language == "fr":
        worded = f"{local.hour}{_NO_BREAK}h{_NO_BREAK}{local.minute:02d}"
        return f"{worded} (heure de Montréal)"
    worded = format_time(local.time(), "h:mm a", locale="en_CA")
    return f"{worded.replace(' ', _NO_BREAK)} (Montréal time)"


def short_instant(at: datetime, language: Language) -> str:
    """Word an instant for a dense table, whose head says in which zone."""
    local, locale = at.astimezone(ZONE), f"{language}_CA"
    pattern = "d MMM y,|H 'h' mm" if language == "fr" else "MMM d, y,|h:mm a"
    worded = format_datetime(local.replace(tzinfo=None), pattern, locale=locale)
    return worded.replace(" ", _NO_BREAK).replace("|", " ")


def notice_name(notice: str, language: Language) -> str:
    """Name a kind of letter; one without a name of its own is named by its code."""
    step = LADDER.fullmatch(notice)
    if step is not None and int(step[2]):
        return str(Voice(language)(f"notice.{step[1]}", left=int(step[2])).unescape())
    key = f"notice.{step[1]}_last" if step is not None else f"notice.{notice}"
    if key not in words():
        return words()["notice.other"][language].format(code=notice)
    return words()[key][language]


def refusal(refused: Refused, language: Language) -> str:
    """Word a refusal of ours inside another sentence."""
    said = WORDINGS[refused.code].said_in(language, refused.about)
    return french_spacing(said) if language == "fr" else said


def count(number: int, language: Language) -> str:
    """Word a number, its thousands apart."""
    if 0 <= number < _A_THOUSAND:
        return str(number)
    return format_decimal(number, locale=f"{language}_CA")


_WORDINGS: Mapping[str, Callable[[Any, Language], str]] = {
    "weekday_date": wording.weekday_date,
    "full_date": wording.full_date,
    "deadline": wording.deadline,
    "days": wording.days,
    "money": wording.money,
    "instant": instant,
    "hour": hour,
    "short_instant": short_instant,
    "notice": notice_name,
    "count": count,
    "refusal": refusal,
}


class _Facts(string.Formatter):
    """Words a fact as the sentence asks: {until:deadline}; escapes it in any case."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def get_value(
        self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        return kwargs[key] if isinstance(key, str) else args[key]

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec:
            value = _WORDINGS[format_spec](value, self._language)
        return str(escape(value))
