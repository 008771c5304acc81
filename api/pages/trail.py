"""The steps of letters in words: what a person is told, and the relay's own words."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from urllib.parse import urlencode

from api.pages.words import Sentence
from records.ledger import NO_ADDRESS
from records.models import TimelineEntry
from records.trails import Step

_STEP_OF = {
    "letter_accepted": "accepted",
    "letter_bounced": "bounced",
    "letter_no_address": "skipped",
    "letter_refused": "refused",
    "letter_skipped": "skipped",
    "letter_unknown": "unknown",
    "letter_withdrawn": "cancelled",
}
"""Lines of a history that say of a letter what a step of it says with more detail."""


@dataclass(frozen=True, slots=True)
class Told:
    """One step, or the same one again and again: *at* is the first, *last* the last.

    *answer* holds the relay's words: they may name things, and are not for everybody.
    """

    key: str
    notice: str
    state: str
    at: datetime
    last: datetime
    times: int
    answer: str | None

    @property
    def words(self) -> Sentence:
        """Say the step on the letter's own page."""
        if self.times > 1:
            again = {"times": self.times, "last": self.last}
            return Sentence("trail.deferred_again", again)
        return Sentence(f"trail.{self._name}")

    @property
    def line(self) -> Sentence:
        """Say the step among other things that happened."""
        facts = {"notice": self.notice, "at": self.at}
        return Sentence(f"trail.line_{self._name}", facts)

    @property
    def query(self) -> str:
        """Lead to the letter."""
        return urlencode({"key": self.key})

    @property
    def _name(self) -> str:
        nobody = self.state == "skipped" and self.answer == NO_ADDRESS
        return "no_address" if nobody else self.state


def by_letter(steps: Iterable[Step]) -> Mapping[str, Sequence[Step]]:
    """Put the steps of a dossier apart, letter by letter."""
    apart: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        apart[step.key].append(step)
    return apart


def is_told_by_steps(
    entry: TimelineEntry, of_letters: Mapping[str, Sequence[Step]]
) -> bool:
    """Answer whether a line of a history is said by a step of its letter as well."""
    steps = of_letters.get(entry.detail.get("letter", ""), ())
    return _STEP_OF.get(entry.what) in {step.state for step in steps}


def told(steps: Sequence[Step]) -> tuple[Told, ...]:
    """Word the steps of one letter; tries deferred one after the other are one step.

    A relay that is away for days makes hundreds of them.
    """
    folded: list[Told] = []
    for step in _worth_telling(steps):
        before = folded[-1] if folded else None
        if before is not None and before.state == step.state == "deferred":
            folded[-1] = replace(
                before, last=step.at, times=before.times + 1, answer=step.answer
            )
        else:
            folded.append(
                Told(
                    step.key,
                    step.notice,
                    step.state,
                    step.at,
                    step.at,
                    1,
                    step.answer,
                )
            )
    return tuple(folded)


def _worth_telling(steps: Sequence[Step]) -> Iterator[Step]:
    """Leave out that a letter is being presented, once the answer is known."""
    for step, following in zip_longest(steps, steps[1:]):
        if step.state != "sending" or following is None:
            yield step


def lines(steps: Iterable[Step]) -> tuple[Told, ...]:
    """Choose what a history says of its letters, in the order of instants.

    That a letter was queued is said only while nothing followed.
    """
    chosen = [
        step
        for of_letter in by_letter(steps).values()
        for step, is_last in _with_last(told(of_letter))
        if is_last or step.state != "queued"
    ]
    return tuple(sorted(chosen, key=lambda step: step.at))


def _with_last(steps: Sequence[Told]) -> Iterator[tuple[Told, bool]]:
    for place, step in enumerate(steps, 1):
        yield step, place == len(steps)
