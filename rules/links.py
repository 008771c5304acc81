"""Links with agencies: which are alive on a day, and since when none is."""

from datetime import date, timedelta

from rules.dossier import Dossier, Link
from rules.numbers import PermitNumber


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
    """Name the first day without any live link, or None if one lives on *day*."""
    if is_linked(dossier, day):
        return None
    edges = {link.until for link in dossier.links if link.until is not None}
    edges |= {c.effective_on for c in dossier.permit_changes if not c.valid}
    lost = [
        edge
        for edge in edges
        if edge <= day and is_linked(dossier, edge - timedelta(days=1))
    ]
    if lost:
        return max(lost)
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
