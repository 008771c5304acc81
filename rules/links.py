"""Links with agencies: which are alive on a day, and since when none is."""

from datetime import date, timedelta
from typing import NamedTuple

from rules.civil_time import civil_date, delay
from rules.dossier import Dossier, Link
from rules.numbers import PermitNumber
from rules.policy import Policy

_DAYS_TO_REPORT = 15

ANSWER_WITHIN = timedelta(days=10)
"""How long an agency has to answer; then the Office sees it (our policy, not law)."""


def answer_by(asked_on: date) -> date:
    """Name the last day on which a request of *asked_on* is answered in time."""
    return asked_on + ANSWER_WITHIN


def remindable_from(link: Link, policy: Policy) -> date | None:
    """Name the first day on which a silent agency may be reminded (again).

    Neither the request nor a reminder is followed by another letter sooner (our policy,
    not law). None for a request of an unknown day: it may be reminded at once.
    """
    last = link.asked_on
    if link.reminded_at is not None:
        last = civil_date(link.reminded_at)
    return last and last + timedelta(days=policy.agency_reminder_days)


def last_day_to_report(change: date, *, delays_extended: bool) -> date:
    """
    Name the last day to tell a link's beginning or end, within 15 days of it.

    (OPC, changing-information, 2019-07-03) for a new agent;
    (OPC, work-stoppage, 2021-05-03) for the end of a link.
    """
    return delay(change, _DAYS_TO_REPORT, delays_extended=delays_extended)


def permit_is_valid(dossier: Dossier, permit: PermitNumber, day: date) -> bool:
    """Answer whether the agency's permit is valid on *day*; valid until told."""
    told = [
        c
        for c in dossier.permit_changes
        if c.permit == permit and c.effective_on <= day
    ]
    return not told or max(told, key=lambda c: (c.effective_on, c.valid)).valid


def is_alive(dossier: Dossier, link: Link, day: date) -> bool:
    """Answer whether *link* counts on *day*: confirmed, not ended, permit valid.

    A link counts only with an agent who holds a valid permit (OPC, work-stoppage).
    """
    return (
        link.since is not None
        and link.since <= day
        and (link.until is None or day < link.until)
        and permit_is_valid(dossier, link.permit, day)
    )


def is_linked(dossier: Dossier, day: date) -> bool:
    """Answer whether at least one link is alive on *day*; several are allowed."""
    return any(is_alive(dossier, link, day) for link in dossier.links)


def unlinked_since(dossier: Dossier, day: date) -> date | None:
    """
    Name the first day without any live link, or None if one lives on *day*.

    Who was never linked is so since the first term, or since the dossier was opened.
    """
    if is_linked(dossier, day):
        return None
    lost = [
        edge
        for edge in _days_of_loss(dossier)
        if edge <= day and is_linked(dossier, edge - timedelta(days=1))
    ]
    return max(lost, default=_first_day(dossier))


class Stretch(NamedTuple):
    """Days without a live link: from *since* to the day before *until*."""

    since: date
    until: date | None


def unlinked_stretches(dossier: Dossier) -> tuple[Stretch, ...]:
    """List each stretch without a live link, told ahead or past, oldest first."""
    edges = {*_days_of_loss(dossier), _first_day(dossier)}
    return tuple(
        Stretch(edge, linked_from(dossier, edge))
        for edge in sorted(edges)
        if unlinked_since(dossier, edge) == edge
    )


def _days_of_loss(dossier: Dossier) -> set[date]:
    ended = {link.until for link in dossier.links if link.until is not None}
    return ended | {c.effective_on for c in dossier.permit_changes if not c.valid}


def _first_day(dossier: Dossier) -> date:
    return dossier.terms[0].start if dossier.terms else dossier.opened_on


def linked_from(dossier: Dossier, day: date) -> date | None:
    """Name the first day, *day* or later, on which a link told so far is alive."""
    edges = {day}
    edges |= {x.since for x in dossier.links if x.since is not None and x.since > day}
    edges |= {
        c.effective_on
        for c in dossier.permit_changes
        if c.valid and c.effective_on > day
    }
    return next((edge for edge in sorted(edges) if is_linked(dossier, edge)), None)


def last_linked_on(dossier: Dossier, until: date) -> date | None:
    """Name the last day, *until* at the latest, on which a link was alive."""
    since = unlinked_since(dossier, until)
    if since is None:
        return until
    before = since - timedelta(days=1)
    return before if is_linked(dossier, before) else None
