"""The scheduled story that compares what was told with what is done: reconciliation."""

from datetime import datetime, timedelta
from enum import StrEnum

from temporalio import activity, workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from workflows.effects import RENEWALS
    from workflows.messages import Message

SWEEP_SCHEDULE_ID = "reconciliation"
SWEEP_EVERY = timedelta(minutes=1)

FINDINGS_SHOWN = 100
"""A report names this many findings and counts all of them."""


class Check(StrEnum):
    """What a sweep compares; the names of the runbook."""

    FACTS = "R1"  # facts kept and not applied
    RUNNING = "R2"  # open dossiers without a running workflow
    VERSIONS = "R4"  # what the workflow says against its row
    DUTIES = "R5"  # duties past their hour
    LETTERS = "R6"  # letters whose handing over never ended
    RELAY_LOG = "R7"  # letters handed over against the relay's log
    MONEY = "R8"  # our book of captures and refunds against the provider's
    FINISHED = "R9"  # what is paid and has led to nothing
    MESSAGES = "R10"  # messages that wait for a person
    TIMELINE = "R12"  # histories that do not follow
    CLOCKS = "R13"  # the database's clock against ours
    TEMPORAL = "temporal"  # the server does not answer
    LEDGER = "ledger"  # letters due, not handed over, and nothing says why
    FEES = "fees"  # amounts adopted, and not told to the stories


class Mend(StrEnum):
    """What became of a disagreement."""

    REPAIRED = "repaired"
    FOR_A_PERSON = "for_a_person"


class Disagreement(Message):
    """One thing found: *about* is an id, never a name."""

    check: Check
    about: str
    what: str
    mend: Mend


class SweepReport(Message):
    """One sweep; *previous_age_s* says how long ago the one before began.

    *skipped* says, in a sentence each, which checks could not be made, and why.
    """

    started_at: datetime
    ended_at: datetime
    checked: int = 0
    found: int = 0
    repaired: int = 0
    for_a_person: int = 0
    previous_age_s: float | None = None
    findings: tuple[Disagreement, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Answer a command line: 0 clean, 1 repaired, 2 a person is needed."""
        if self.for_a_person:
            return 2
        return 1 if self.found else 0


@activity.defn
async def reconcile(now: datetime) -> SweepReport:
    """Compare and repair once; activities.upkeep does it under the same name."""
    raise NotImplementedError


@workflow.defn
class ReconciliationWorkflow:
    """One sweep. What it cannot do now, the next one does."""

    @workflow.run
    async def run(self) -> SweepReport:
        """Sweep once, within bounded time."""
        return await workflow.execute_activity(
            reconcile,
            workflow.now(),
            start_to_close_timeout=timedelta(minutes=5),
            schedule_to_close_timeout=timedelta(minutes=8),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=5), maximum_attempts=3
            ),
            summary="compare what was told with what is done",
        )


async def ensure_schedule(client: Client) -> None:
    """Make the schedule of sweeps unless it is there; a paused one stays paused."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            ReconciliationWorkflow.run,
            id=SWEEP_SCHEDULE_ID,
            task_queue=RENEWALS,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=SWEEP_EVERY)]),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP,
            # After an outage one sweep is enough.
            catchup_window=SWEEP_EVERY,
        ),
    )
    try:
        await client.create_schedule(SWEEP_SCHEDULE_ID, schedule)
    except ScheduleAlreadyRunningError:
        return
