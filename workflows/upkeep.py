"""The scheduled story that compares what was told with what is done: reconciliation."""

from datetime import date, datetime, timedelta
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
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from pydantic import Field

    from workflows.effects import MAIL, RENEWALS
    from workflows.messages import Message

SWEEP_SCHEDULE_ID = "reconciliation"
SWEEP_EVERY = timedelta(minutes=1)

FINDINGS_SHOWN = 100
"""A report names this many findings and counts all of them."""


class Check(StrEnum):
    """What a sweep compares; the names of the runbook."""

    FACTS = "R1"  # facts kept and not applied
    RUNNING = "R2"  # open dossiers without a running workflow
    STRAYS = "R3"  # running workflows without an open dossier, persons with two
    VERSIONS = "R4"  # what the workflow says against its row
    DUTIES = "R5"  # duties past their hour
    LETTERS = "R6"  # letters whose handing over never ended
    RELAY_LOG = "R7"  # letters handed over against the relay's log
    MONEY = "R8"  # our book of captures and refunds against the provider's
    FINISHED = "R9"  # what is paid and has led to nothing
    MESSAGES = "R10"  # messages that wait for a person
    PERMITS = "R11"  # the register of permits against what dossiers were told
    TIMELINE = "R12"  # histories that do not follow
    CLOCKS = "R13"  # the database's clock and Temporal's against ours
    PROBLEMS = "R14"  # workflows whose tasks fail again and again
    TEMPORAL = "temporal"  # the server does not answer
    LEDGER = "ledger"  # letters due, not handed over, and nothing says why
    IMPORTS = "imports"  # files that somebody said yes to, and that nobody brings in
    FEES = "fees"  # amounts adopted, and not told to the stories


class Mend(StrEnum):
    """What became of a disagreement."""

    REPAIRED = "repaired"
    FOR_A_PERSON = "for_a_person"


class Disagreement(Message):
    """One thing found: *about* is an id, never a name.

    *code* and *values* are what a page words; *what* says the same on a terminal.
    """

    check: Check
    about: str
    what: str
    mend: Mend
    code: str = ""
    values: dict[str, str] = Field(default_factory=dict)


class SweepReport(Message):
    """One sweep; *previous_age_s* says how long ago the one before began.

    *skipped* says, in a sentence each, which checks could not be made, and why.
    *report_on* is the civil day of which the operator must still be told.
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
    report_on: date | None = None

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


@activity.defn
async def tell_operator(day: date) -> None:
    """Send the mail of a day; activities.reporting does it under the same name."""
    raise NotImplementedError


@workflow.defn
class ReconciliationWorkflow:
    """One sweep. What it cannot do now, the next one does."""

    @workflow.run
    async def run(self) -> SweepReport:
        """Sweep once, within bounded time."""
        report = await workflow.execute_activity(
            reconcile,
            workflow.now(),
            start_to_close_timeout=timedelta(minutes=5),
            schedule_to_close_timeout=timedelta(minutes=8),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=5), maximum_attempts=3
            ),
            summary="compare what was told with what is done",
        )
        if report.report_on is not None:
            await self._tell_operator(report.report_on)
        return report

    async def _tell_operator(self, day: date) -> None:
        """Try once: without a worker of the mail the next sweep tries again."""
        try:
            await workflow.execute_activity(
                tell_operator,
                day,
                task_queue=MAIL,
                schedule_to_close_timeout=timedelta(seconds=40),
                retry_policy=RetryPolicy(maximum_attempts=1),
                summary="tell the operator of the day",
            )
        except ActivityError:
            workflow.logger.warning("the operator is not told yet of %s", day)


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
