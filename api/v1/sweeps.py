"""What reconciliation found, for officers and for whoever runs the service."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends

from api.access import Admitted, Caller, Role
from api.health import SWEEPS_LATE_AFTER
from api.parts import Parts, TheParts
from api.v1.answers import Answer
from records.clock import database_now
from records.sweeps import Standing, last_whole_sweep, sweeps_since, what_was_found

router = APIRouter(prefix="/staff", tags=["staff"])

LOOKED_BACK = timedelta(days=1)
"""Every look is taken once in this time, so that all that stands shows."""

OfficerOrOperator = Annotated[Caller, Depends(Admitted(Role.OFFICER, Role.OPERATOR))]


class SweepFinding(Answer):
    """One thing found: *about* is an id; *code* names the sentence that *what* says."""

    check: str
    about: str
    code: str
    what: str
    values: dict[str, str]
    mend: str
    first_seen_at: datetime
    last_seen_at: datetime


class CheckCount(Answer):
    """How often a check found something, and since when the oldest stands."""

    check: str
    found: int
    for_a_person: int
    oldest_at: datetime


class Sweeps(Answer):
    """The sweeps of the last day: what they looked at, found, mended, left.

    *late* is the dead-man's answer: none ended within two of their periods.
    """

    as_of: datetime
    last_ended_at: datetime | None
    late: bool
    sweeps: int
    most_checked: int
    found: int
    repaired: int
    for_a_person: int
    checks: tuple[CheckCount, ...]
    findings: tuple[SweepFinding, ...]
    skipped: tuple[str, ...]


@router.get("/sweeps")
async def list_sweeps(parts: TheParts, _caller: OfficerOrOperator) -> Sweeps:
    """Say what the sweeps of the last day found, and what they could not look at."""
    return await sweeps_shown(parts)


async def sweeps_shown(parts: Parts) -> Sweeps:
    """Put the last day together."""
    async with parts.sessions() as session:
        now = await database_now(session)
        rows = await sweeps_since(session, now - LOOKED_BACK)
        last = await last_whole_sweep(session)
    found = what_was_found(rows)
    ended_at = None if last is None else last.ended_at
    mends = [each.mend for each in found]
    return Sweeps(
        as_of=now,
        last_ended_at=ended_at,
        late=ended_at is None or now - ended_at > SWEEPS_LATE_AFTER,
        sweeps=len(rows),
        most_checked=max((row.checked for row in rows), default=0),
        found=len(found),
        repaired=mends.count("repaired"),
        for_a_person=mends.count("for_a_person"),
        checks=_counted(found),
        findings=tuple(SweepFinding.model_validate(each) for each in found),
        skipped=tuple(dict.fromkeys(why for row in rows for why in row.skipped)),
    )


def _counted(found: tuple[Standing, ...]) -> tuple[CheckCount, ...]:
    return tuple(
        CheckCount(
            check=check,
            found=len(own),
            for_a_person=sum(each.mend == "for_a_person" for each in own),
            oldest_at=min(each.first_seen_at for each in own),
        )
        for check in sorted({each.check for each in found})
        if (own := [each for each in found if each.check == check])
    )
