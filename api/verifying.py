"""What the public register answers about a number: the law, at this very instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from records.register import Registered, certificates_numbered
from rules.civil_time import civil_date, last_day
from rules.dossier import Dossier, Kind, Phase
from rules.numbers import DossierNumber
from rules.policy import Policy, load_policy
from rules.reasons import Condition
from rules.standing import ended_on, explain, phase_at
from workflows.consequences import renew_if_paid
from workflows.hearing import hear
from workflows.messages import FACTS
from workflows.turn import Turn


class PublicStatus(StrEnum):
    """What a certificate is worth, in the register's words; never why."""

    VALID = "valid"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REPLACED = "replaced"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PublicAnswer:
    """All that anybody may learn from a number, true at *as_of*.

    A certificate that was cancelled has ended, and reads as expired: the public need
    not know how. A number without a certificate reads as one that nobody bears.
    """

    number: DossierNumber
    status: PublicStatus
    kind: Kind | None
    last_valid_day: date | None
    as_of: datetime


async def verify(
    session: AsyncSession, numbers: Sequence[DossierNumber]
) -> Mapping[DossierNumber, PublicAnswer]:
    """Answer for each number, from what was told and the law, whoever is away."""
    register = await certificates_numbered(session, numbers)
    found = register.certificates
    return {
        number: _answer(number, found[number])
        if number in found
        else PublicAnswer(number, PublicStatus.UNKNOWN, None, None, register.now)
        for number in numbers
    }


def _answer(number: DossierNumber, registered: Registered) -> PublicAnswer:
    now = registered.now
    policy = _policy_on(registered.dossier.kind, civil_date(now))
    dossier = _as_told(registered.dossier, registered.told, policy, now)
    status = _status(dossier, policy, now)
    if status is PublicStatus.EXPIRED and registered.followed:
        status = PublicStatus.REPLACED
    last = _last_valid_day(dossier, policy, now)
    return PublicAnswer(number, status, dossier.kind, last, now)


@lru_cache(maxsize=16)
def _policy_on(kind: Kind, day: date) -> Policy:
    return load_policy(kind, day)


def _as_told(
    dossier: Dossier, told: Sequence[dict[str, Any]], policy: Policy, now: datetime
) -> Dossier:
    """Apply what was told and not yet heard by the story, as the story will.

    A link that ended a second ago, a renewal paid in time: the public answer turns when
    they are told, not when a worker comes to them.
    """
    turn = Turn(dossier, policy, now, told=phase_at(dossier, policy, now))
    for fact in told:
        hear(turn, FACTS.validate_python(fact))
    renew_if_paid(turn)
    return turn.dossier


def _status(dossier: Dossier, policy: Policy, now: datetime) -> PublicStatus:
    match phase_at(dossier, policy, now):
        case Phase.IN_FORCE:
            return PublicStatus.VALID
        case Phase.SUSPENDED:
            return PublicStatus.SUSPENDED
        case _:
            return PublicStatus.EXPIRED


def _last_valid_day(dossier: Dossier, policy: Policy, now: datetime) -> date | None:
    """Name the last valid day; none of a certificate undone with its payment."""
    if not dossier.terms:
        return None
    for finding in explain(dossier, policy, now):
        if finding.condition is Condition.TERM_IS_RUNNING:
            return finding.turns_on
    end = ended_on(dossier, policy, now)
    if dossier.ending is not None:
        end = min(end, dossier.ending.on)
    return last_day(end)
