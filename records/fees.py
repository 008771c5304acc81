"""Amounts adopted ahead of their day, laid over those of the file of policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from records.money import FeeAct
from rules.dossier import Kind, Operation
from rules.fees import AdoptedFee, with_adopted
from rules.policy import Policy, load_policy

_ALONE = 20270701  # any number, the same in every process


@dataclass(frozen=True, slots=True)
class Adoption:
    """An amount that stands, with who adopted it and when."""

    fee: AdoptedFee
    by: str
    at: datetime


async def policy_in_force(session: AsyncSession, kind: Kind, day: date) -> Policy:
    """Read the policy in force on *day*, the adopted amounts included.

    Raises rules.policy.PolicyError as load_policy does.
    """
    adopted = [adoption.fee for adoption in await adoptions(session, kind)]
    return with_adopted(load_policy(kind, day), adopted, day)


async def adoptions(session: AsyncSession, kind: Kind) -> Sequence[Adoption]:
    """Which amounts stand, by operation and day? A withdrawn one does not."""
    newest = (
        select(FeeAct)
        .where(FeeAct.kind == kind)
        .ext(distinct_on(FeeAct.operation, FeeAct.starts_on))
        .order_by(FeeAct.operation, FeeAct.starts_on, FeeAct.act_id.desc())
    )
    return [
        Adoption(_fee(act), act.by, act.at)
        for act in await session.scalars(newest)
        if act.what == "adopted"
    ]


def _fee(act: FeeAct) -> AdoptedFee:
    return AdoptedFee(
        Kind(act.kind), Operation(act.operation), act.starts_on, act.cents, act.source
    )


async def act_alone(session: AsyncSession) -> None:
    """Let one act on fees follow another: two at once would not see each other."""
    await session.execute(select(func.pg_advisory_xact_lock(_ALONE)))


async def note_act(
    session: AsyncSession, what: str, fee: AdoptedFee, *, by: str
) -> int:
    """Add an act, "adopted" or "withdrawn"; return its number."""
    act = FeeAct(
        by=by,
        what=what,
        kind=fee.kind,
        operation=fee.operation,
        starts_on=fee.starts_on,
        cents=fee.cents,
        source=fee.source,
    )
    session.add(act)
    await session.flush()
    return act.act_id


async def acts_not_told(session: AsyncSession) -> Sequence[int]:
    """Which acts have the running stories not been told of, oldest first?"""
    query = (
        select(FeeAct.act_id).where(FeeAct.told_at.is_(None)).order_by(FeeAct.act_id)
    )
    return (await session.scalars(query)).all()


async def mark_told(session: AsyncSession, act_ids: Sequence[int]) -> None:
    """Note that the running stories were told of these acts."""
    await session.execute(
        update(FeeAct).where(FeeAct.act_id.in_(act_ids)).values(told_at=func.now())
    )
