"""A dossier's agenda, history and letters, each line in words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from types import MappingProxyType
from urllib.parse import urlencode

from api.pages.trail import Told, by_letter, is_told_by_steps, lines, told
from api.pages.words import LADDER, Sentence, words
from records.models import Letter, TimelineEntry
from records.trails import Step
from rules.agenda import Act
from rules.civil_time import civil_date
from workflows.messages import DutyView

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Coming:
    """One line of what comes next; *source* is the text of a citation."""

    on: date
    what: Sentence
    source: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of what happened; *query* opens the letter it speaks of.

    *why* is the reason of an officer, word for word, where the line itself tells it.
    """

    on: date
    what: Sentence
    query: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """One letter of a list; *query* opens it, *subject* is None until it is written.

    One that was sent once more names in *copy_of_on* the day of the first.
    """

    on: date
    subject: str | None
    language: str | None
    state: Sentence
    query: str
    steps: tuple[Told, ...]
    copy_of_on: date | None = None


def what_comes(duties: Iterable[DutyView]) -> tuple[Coming, ...]:
    """Word the duties of a person's agenda; the Office's own are not theirs to see."""
    return tuple(
        # The view ends its source with the section, which letters do not print either.
        Coming(duty.due_on, _coming(duty), duty.source.rpartition(", ")[0])
        for duty in duties
        if duty.act != Act.ESCALATE
    )


def _coming(duty: DutyView) -> Sentence:
    if duty.act != Act.WRITE or duty.notice is None:
        return Sentence(f"coming.{duty.act}")
    step = LADDER.fullmatch(duty.notice)
    if step is None:
        key = f"coming.{duty.notice}"
        return Sentence(key if key in words() else "coming.write")
    ladder, left = step[1], int(step[2])
    if left == 0:
        return Sentence(f"coming.{ladder}_last")
    return Sentence(f"coming.{ladder}", {"left": left})


def what_happened(
    entries: Iterable[TimelineEntry],
    steps: Sequence[Step] = (),
    reasons: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Happened, ...]:
    """Word the lines of a timeline and the steps of letters, in the order of instants.

    Of what a timeline says only dates and amounts are told; of *reasons*, by the id
    of each, those that no letter of this dossier may bring.
    """
    of_letters = by_letter(steps)
    noted = [
        (
            entry.at,
            Happened(
                civil_date(entry.at),
                _happened(entry),
                why=reasons.get(entry.text_id or ""),
            ),
        )
        for entry in entries
        if not is_told_by_steps(entry, of_letters)
    ]
    stepped = [
        (step.at, Happened(civil_date(step.at), step.line, step.query))
        for step in lines(steps)
    ]
    # What ordered a letter comes before the letter's own steps of the same instant.
    in_order = [line for _, line in sorted([*noted, *stepped], key=itemgetter(0))]
    # The same words of the same day, one after the other, tell nothing twice.
    return tuple(
        line
        for before, line in zip([None, *in_order], in_order, strict=False)
        if line != before or line.what.facts
    )


def _happened(entry: TimelineEntry) -> Sentence:
    key = f"history.{entry.what}"
    if entry.what == "phase":
        key = f"history.phase_{entry.detail.get('after')}"
    said = words().get(key)
    facts = _dates_and_amounts(entry.detail)
    if said is None or any(f"{{{name}:" in said["fr"] for name in _NAMES - set(facts)):
        return Sentence("history.other")
    return Sentence(key, facts)


_NAMES = frozenset(
    {
        *("since", "until", "start", "echeance", "passed_on", "effective_on"),
        "amount_cents",
    }
)


def _dates_and_amounts(detail: Mapping[str, str]) -> dict[str, object]:
    facts: dict[str, object] = {}
    for name in _NAMES & set(detail):
        value = str(detail[name])
        if name == "amount_cents" and value.isdecimal():
            facts[name] = int(value)
        elif _DAY.fullmatch(value):
            facts[name] = date.fromisoformat(value)
    return facts


def letters_kept(
    letters: Iterable[Letter], steps: Iterable[Step] = ()
) -> tuple[Kept, ...]:
    """List letters with what became of each, step by step."""
    of_letters = by_letter(steps)
    return tuple(
        Kept(
            civil_date(letter.occurred_at),
            letter.subject,
            letter.language,
            Sentence(f"letters.{letter.state}"),
            urlencode({"key": letter.key}),
            told(of_letters.get(letter.key, ())),
            _copy_of_on(letter),
        )
        for letter in letters
    )


def _copy_of_on(letter: Letter) -> date | None:
    day = letter.ordered.get("copy_of_on")
    return date.fromisoformat(day) if day else None
