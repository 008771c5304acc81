"""Adopting an amount ahead of its day: examined, kept, and told to every story."""

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.api.batch.v1 import BatchOperationSignal
from temporalio.api.workflowservice.v1 import StartBatchOperationRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from records.clock import database_now
from records.database import Sessions
from records.fees import (
    act_alone,
    acts_not_told,
    adoptions,
    mark_told,
    note_act,
    policy_in_force,
)
from rules.civil_time import civil_date
from rules.dossier import Kind, Operation
from rules.fees import (
    AdoptedFee,
    FeeFault,
    FeeWarning,
    faults_of,
    known_before,
    warnings_of,
)

STORIES_A_SECOND = 20.0
"""How fast sleeping stories are told to read their policy again."""

_RUNNING = "WorkflowType = 'RenewalWorkflow' AND ExecutionStatus = 'Running'"
_LIMIT = timedelta(seconds=5)
_WHY = "the amounts of fees have changed"

log = logging.getLogger(__name__)


class CannotAdopt(ValueError):  # noqa: N818 - named as the caller is told
    """An amount cannot be adopted; *faults* say why, the first of them first."""

    def __init__(self, faults: tuple[FeeFault, ...]) -> None:
        super().__init__(", ".join(faults))
        self.faults = faults


class NothingToWithdraw(ValueError):  # noqa: N818 - named as the caller is told
    """No adopted amount begins on that day, or it has begun already."""

    def __init__(self) -> None:
        super().__init__("no amount that is still ahead begins on that day")


@dataclass(frozen=True, slots=True)
class Examined:
    """What an officer is shown before an amount counts."""

    fee: AdoptedFee
    known_cents: int
    warnings: tuple[FeeWarning, ...]


async def examine(session: AsyncSession, fee: AdoptedFee) -> Examined:
    """Look at an amount as if it were adopted now; raises CannotAdopt."""
    today = civil_date(await database_now(session))
    policy = await policy_in_force(session, fee.kind, today)
    if faults := faults_of(fee, policy, today):
        raise CannotAdopt(faults)
    return Examined(fee, known_before(fee, policy).cents, warnings_of(fee, policy))


async def adopt(sessions: Sessions, fee: AdoptedFee, *, by: str) -> Examined:
    """Keep an amount, from its day on; raises CannotAdopt. The stories are not told."""
    async with sessions.begin() as session:
        await act_alone(session)
        examined = await examine(session, fee)
        await note_act(session, "adopted", fee, by=by)
    return examined


async def withdraw(
    sessions: Sessions, kind: Kind, operation: Operation, starts_on: date, *, by: str
) -> AdoptedFee:
    """Take back an amount that has not begun; raises NothingToWithdraw."""
    async with sessions.begin() as session:
        await act_alone(session)
        today = civil_date(await database_now(session))
        standing = [adoption.fee for adoption in await adoptions(session, kind)]
        fee = next(
            (
                f
                for f in standing
                if f.operation is operation and f.starts_on == starts_on
            ),
            None,
        )
        if fee is None or starts_on <= today:
            raise NothingToWithdraw
        await note_act(session, "withdrawn", fee, by=by)
    return fee


async def tell_the_stories(sessions: Sessions, client: Client) -> bool:
    """
    Have every running story read its policy again, if there is anything to read.

    The server does it, a few a second. False while it cannot be asked, or is at
    another batch: the next sweep asks again.
    """
    async with sessions() as session:
        acts = await acts_not_told(session)
    if not acts:
        return True
    request = StartBatchOperationRequest(
        namespace=client.namespace,
        visibility_query=_RUNNING,
        # Asked twice for the same acts, it is one batch.
        job_id=f"fees-{acts[-1]}",
        reason=_WHY,
        signal_operation=BatchOperationSignal(
            signal="policy_changed", identity="echeance"
        ),
        max_operations_per_second=STORIES_A_SECOND,
    )
    try:
        await client.workflow_service.start_batch_operation(request, timeout=_LIMIT)
    except RPCError as away:
        if away.status is not RPCStatusCode.ALREADY_EXISTS:
            log.warning("the stories are not told of new fees: %s", away.status.name)
            return False
    except RuntimeError as away:
        # How a lazy client says that it cannot connect.
        log.warning("the stories are not told of new fees: %s", type(away).__name__)
        return False
    async with sessions.begin() as session:
        await mark_told(session, acts)
    return True
