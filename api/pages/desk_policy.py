"""The policy in force on a day: each rule, its value, since when, its source."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Request, Response

from api.language import Language
from api.pages.rendering import Page, page
from api.pages.words import Sentence, words
from api.parts import TheParts
from api.signin.who import TheOfficer
from records.clock import database_now
from records.fees import policy_in_force
from rules.civil_time import civil_date
from rules.dossier import Kind
from rules.policy import PolicyEntry, PolicyError, first_days, policy_entries

router = APIRouter(route_class=Page, include_in_schema=False)
_ON_THE_PAGE_OF_FEES = frozenset({"fees_issue", "fees_renewal"})
_CITED = {
    "S1": "OPC, certificat expiré",
    "S2": "OPC, renouveler",
    "S3": "OPC, exam",
    "S4": "OPC, application-regular",
    "S6b": "OPC, work-stoppage",
    "S10": "OPC, conseiller, expiration",
    "P-40.1 s. 269": "P-40.1",
    "J-3 s. 5": "J-3",
}
"""What a source of the table is called where letters cite it (docs/sources.md)."""

_NOTHING_READ = frozenset({"not found", "our choice"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule on a day; *others* are the values that were possible as well.

    *next_on* is the first day of a row that has not begun, if the table has one;
    *sources* are the texts of citations.
    """

    name: str
    value: Sentence
    others: Sequence[Sentence]
    starts_on: date
    next_on: date | None
    sources: Sequence[str]


@dataclass(frozen=True, slots=True)
class Group:
    """Rules of one kind: read on a page of the Office, or chosen by us."""

    name: str
    rules: Sequence[Rule]


@router.get("/{language:fr_or_en}/bureau/regles")
async def see_rules(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    le: str = "",
) -> Response:
    """Show the rules of a day: today's, or another one's asked for."""
    async with parts.sessions() as session:
        today = civil_date(await database_now(session))
        on, unreadable = _day(le, today)
        try:
            version = (await policy_in_force(session, Kind.CAR, on)).version
            groups = _groups(on)
        except PolicyError:
            version, groups = None, []
    return page(
        request,
        "desk_policy.html",
        language,
        on=on,
        asked=le or on.isoformat(),
        unreadable=unreadable,
        version=version,
        groups=groups,
    )


def _day(written: str, today: date) -> tuple[date, bool]:
    """Read a day; today, and that it could not be read."""
    if not written:
        return today, False
    try:
        return date.fromisoformat(written.strip()), False
    except ValueError:
        return today, True


def _groups(on: date) -> list[Group]:
    shown = [
        e for e in policy_entries(Kind.CAR, on) if e.name not in _ON_THE_PAGE_OF_FEES
    ]
    chosen = [e for e in shown if e.ours]
    return [
        Group("law", [_rule(e, on) for e in shown if not e.ours]),
        Group("switches", [_rule(e, on) for e in chosen if e.other_values]),
        Group("ours", [_rule(e, on) for e in chosen if not e.other_values]),
    ]


def _rule(entry: PolicyEntry, on: date) -> Rule:
    coming = [day for day in first_days(Kind.CAR, entry.name) if day > on]
    return Rule(
        name=entry.name,
        value=_value(entry.name, entry.value),
        others=[_value(entry.name, value) for value in entry.other_values],
        starts_on=entry.starts_on,
        next_on=min(coming, default=None),
        sources=cited(entry.source),
    )


def _value(name: str, value: object) -> Sentence:
    """Word a value: a ladder by its steps, a number with its unit, or a choice."""
    if isinstance(value, list):
        days = [int(step["days_before"]) for step in value]
        steps = ", ".join(str(day) for day in days if day)
        key = "policy.steps_ahead" if all(days) else "policy.steps"
        return Sentence(key, {"steps": steps})
    if isinstance(value, int) and not isinstance(value, bool):
        return Sentence(f"policy.value_{name}", {"value": value})
    key = f"policy.value_{name}_{str(value).lower()}"
    return Sentence(key if key in words() else "policy.value_other")


def cited(source: str) -> Sequence[str]:
    """Name what was read, as letters cite it; nothing where nothing was found."""
    if source in _NOTHING_READ:
        return ()
    return [_CITED[each] for each in source.split(", ")]
