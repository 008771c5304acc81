"""Lives that can share one stack: begun now, with numbers and names of their own."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from proof.draws import draw
from proof.histories import NEW, OLD, History, LinkGiven, Told
from proof.reference.whole import expected

_DAY = timedelta(days=1)
_TOLD_HERE = frozenset(
    {"paid", "reversed", "linked", "unlinked", "permit", "exam", "transfer", "mail",
     "corrected", "cancelled"}
)  # fmt: skip


def lives_from(first: int, how_many: int, now: datetime) -> list[History]:
    """Draw lives that can be lived here, as if they began now."""
    found: list[History] = []
    seed = first
    while len(found) < how_many:
        life = _named_apart(_begun(draw(seed), now), len(found))
        seed += 1
        duties = expected(life).duties.values()
        if not any(duty.notice == "refund_due" for duty in duties):
            found.append(life)
    return found


def _begun(history: History, now: datetime) -> History:
    """Move a history by whole days, and leave out what is not lived here."""
    days = (now - history.begins) // _DAY + 1
    by = days * _DAY

    def moved(at: Any) -> Any:
        return None if at is None else at + by

    old = history.old and replace(
        history.old,
        start=moved(history.old.start),
        echeance=moved(history.old.echeance),
        passed_on=moved(history.old.passed_on),
        links=tuple(
            replace(link, since=moved(link.since), until=moved(link.until))
            for link in history.old.links
        ),
    )
    return replace(
        history,
        begins=now,
        until=moved(history.until),
        old=old,
        new=moved(history.new),
        told=tuple(
            replace(
                told,
                at=moved(told.at),
                on=moved(told.on),
                captured_at=moved(told.captured_at),
                again=tuple(moved(at) for at in told.again),
            )
            for told in history.told
            if told.what in _TOLD_HERE
        ),
        worker_down=(),
        relay_down=(),
        mail={},
    )


def _named_apart(history: History, n: int) -> History:
    """Give a life numbers, permits, links and payments of its own."""
    numbers = {OLD: f"CAR2024{n:04d}0001", NEW: f"CAR2026{n:04d}0002"}

    def permit(name: str) -> str:
        return name and f"{name[:-4]}{n + 1}{name[-4:]}"

    def own(name: str) -> str:
        return name and f"L{n}-{name}"

    def link(given: LinkGiven) -> LinkGiven:
        return replace(given, link=own(given.link), permit=permit(given.permit))

    def named(told: Told) -> Told:
        about = numbers[OLD] if told.what == "transfer" else own(told.about)
        fact = own(told.fact)
        # Facts and commands bear the names that the API gives them.
        if told.what == "exam":
            fact = f"exam:{about}"
        elif told.what == "corrected":
            fact = f"correct-{uuid5(NAMESPACE_URL, fact)}"
        return replace(
            told,
            fact=fact,
            to=numbers[told.to],
            about=about,
            permit=permit(told.permit),
        )

    return replace(
        history,
        name=f"{history.name}-as-{n}",
        old=history.old
        and replace(history.old, links=tuple(link(x) for x in history.old.links)),
        told=tuple(named(told) for told in history.told),
        old_number=numbers[OLD],
        new_number=numbers[NEW],
    )
