"""What tests of the sweep plant, wait for and read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import update
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from intake.delivery import store_fact
from records.models import DossierRow, FactRow
from rules.numbers import DossierNumber
from tests.activities.office import Office
from tests.dossiers import NEWCOMER
from tests.upkeep.server import a_closed_port, settings_for
from worker import workers
from workflows.messages import ExamPassed, Source
from workflows.upkeep import Check, Mend, SweepReport

PATIENCE_S = 60


def real_now() -> datetime:
    """The hour of the machine, which a sweep compares with stored hours."""
    return datetime.now(UTC)


@asynccontextmanager
async def at_work(office: Office, client: Client, **more: str) -> AsyncIterator[None]:
    """Run the real workers; no relay listens, unless *more* says, so letters wait."""
    nowhere = {"ECHEANCE_SMTP_PORT": str(await a_closed_port())}
    settings = settings_for(office.url, **(nowhere | more))
    async with AsyncExitStack() as running:
        for part in workers(client, office.sessions, settings):
            await running.enter_async_context(part)
        yield


async def until(
    holds: Callable[[], Awaitable[bool]], patience_s: float = PATIENCE_S
) -> None:
    """Wait for what another process does; fails after *patience_s*.

    The longer it takes the less often it is asked for: each answer costs the processor
    that the other process waits for.
    """
    pause_s = 0.02
    async with asyncio.timeout(patience_s):
        while not await holds():
            await asyncio.sleep(pause_s)
            pause_s = min(0.4, pause_s * 1.3)


def an_exam(fact_id: str = "exam-1") -> ExamPassed:
    at = real_now()
    return ExamPassed(
        fact_id=fact_id,
        source=Source.EXAM_BODY,
        occurred_at=at,
        received_at=at,
        result_id="result-1",
        passed_on=(at - timedelta(days=4)).date(),
    )


async def tell_nobody_yet(
    office: Office, number: DossierNumber = NEWCOMER, fact_id: str = "exam-1"
) -> None:
    """Keep a fact as a door does, and leave it there."""
    async with office.sessions.begin() as session:
        await store_fact(session, number, an_exam(fact_id))


async def has_applied(office: Office, fact_id: str = "exam-1") -> bool:
    return (await office.one(FactRow, fact_id)).state == "applied"


async def signals_in(client: Client, number: str) -> list[str]:
    """The names of the signals in the present run of a workflow."""
    history = await client.get_workflow_handle(number).fetch_history()
    signalled = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    return [
        event.workflow_execution_signaled_event_attributes.signal_name
        for event in history.events
        if event.event_type == signalled
    ]


async def set_row(office: Office, number: str, **values: object) -> None:
    """Plant a disagreement in the row of a dossier."""
    async with office.sessions.begin() as session:
        await session.execute(
            update(DossierRow).where(DossierRow.number == number).values(**values)
        )


def found(report: SweepReport, check: Check) -> list[tuple[str, Mend]]:
    """What one check found: about what, and what became of it."""
    return [(f.about, f.mend) for f in report.findings if f.check is check]
