"""Reconciliation: what was told, what is kept and what is being done, compared."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from temporalio import activity
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.money import MoneySweep
from activities.sweeping_mail import PERSON_AFTER, MailSweep
from engine import begin, story_of
from intake.delivery import deliver
from payments.provider import PaymentProvider
from records import disagreements
from records.database import Sessions
from records.disagreements import DutyPast
from records.missed import DUTY_GRACE
from records.models import Sweep
from rules.numbers import DossierNumber
from workflows.renewal import RenewalWorkflow
from workflows.upkeep import (
    FINDINGS_SHOWN,
    Check,
    Disagreement,
    Mend,
    SweepReport,
)

NEW_TOO_LONG = timedelta(seconds=60)
SIGNALLED_TOO_LONG = timedelta(minutes=5)
CLOCKS_APART = timedelta(seconds=30)

MOST_STARTED = 10
"""More lost at once is a lost namespace, not an accident: a person decides."""

STORY_LIMIT = timedelta(seconds=2)
"""How long a story is waited for; without a worker it does not answer."""

LONG_LOOK_EVERY = timedelta(minutes=15)
SAMPLE = 20

_PAGE = 1000
_TELLING_LIMIT = timedelta(minutes=1)
_ANSWER_LIMIT = timedelta(seconds=2)
_AT_ONCE = 8
_LOOKS = 3
_PAUSE_S = 0.2
_RUNNING = "WorkflowType = 'RenewalWorkflow' AND ExecutionStatus = 'Running'"

Done = TypeVar("Done")

# RuntimeError is how a lazy client says that it cannot connect.
_AWAY = (RPCError, RuntimeError, TimeoutError)


class Upkeep:
    """The effect of a scheduled sweep, on one database and one Temporal server."""

    def __init__(
        self,
        sessions: Sessions,
        client: Client,
        *,
        provider: PaymentProvider | None = None,
        relay_log_url: str | None = None,
        story_limit: timedelta = STORY_LIMIT,
    ) -> None:
        self._sessions = sessions
        self._client = client
        self._provider = provider
        self._relay_log_url = relay_log_url
        self._story_limit = story_limit

    @activity.defn(name="reconcile")
    async def reconcile(self, now: datetime) -> SweepReport:
        """Compare and repair once; *now* is the real instant, not a dossier's."""
        return await self.sweep(now)

    async def sweep(
        self, now: datetime, *, thorough: bool = False, rebuild: bool = False
    ) -> SweepReport:
        """
        Compare, repair what is safe, and write down that this was done.

        *thorough* takes the long looks too, which otherwise come every quarter of an
        hour, every hour and once a day. *rebuild* starts every workflow that is
        missing.
        """
        async with self._sessions.begin() as session:
            previous = await disagreements.last_sweep(session)
            row = await disagreements.begin_sweep(session)
        before = None if thorough or previous is None else previous.started_at
        sweep = _Sweep(
            self._sessions,
            self._client,
            self._provider,
            now,
            self._story_limit,
            rebuild=rebuild,
            relay_log_url=self._relay_log_url,
        )
        await sweep.look(before)
        return await self._ended(sweep, row, previous)

    async def _ended(
        self, sweep: "_Sweep", row: Sweep, previous: Sweep | None
    ) -> SweepReport:
        shown = tuple(sweep.findings[:FINDINGS_SHOWN])
        mended = [finding.mend for finding in sweep.findings]
        checked = sweep.checked + sweep.mail.checked
        async with self._sessions.begin() as session:
            ended_at = await disagreements.database_clock(session)
            await disagreements.end_sweep(
                session,
                row,
                ended_at=ended_at,
                checked=checked,
                repaired=mended.count(Mend.REPAIRED),
                findings=[finding.model_dump(mode="json") for finding in shown],
            )
        age = None if previous is None else row.started_at - previous.started_at
        return SweepReport(
            started_at=row.started_at,
            ended_at=ended_at,
            checked=checked,
            found=len(sweep.findings),
            repaired=mended.count(Mend.REPAIRED),
            for_a_person=mended.count(Mend.FOR_A_PERSON),
            previous_age_s=None if age is None else age.total_seconds(),
            findings=shown,
            skipped=tuple(sweep.mail.skipped),
        )


@dataclass(slots=True)
class _Sweep:
    """One sweep: each check looks, repairs and adds what it found."""

    sessions: Sessions
    client: Client
    provider: PaymentProvider | None
    now: datetime
    story_limit: timedelta
    rebuild: bool = field(kw_only=True)
    relay_log_url: str | None = field(kw_only=True)
    checked: int = 0
    findings: list[Disagreement] = field(default_factory=list)
    temporal_answers: bool = True
    mail: MailSweep = field(init=False)

    def __post_init__(self) -> None:
        self.mail = MailSweep(
            self.sessions, self.now, self.relay_log_url, self._found, self._wake
        )

    async def look(self, previous_at: datetime | None) -> None:
        """Take every look that is due since *previous_at*; all of them for None."""
        quarter, hour, day = (
            previous_at is None
            or _period(previous_at, every) != _period(self.now, every)
            for every in (LONG_LOOK_EVERY, timedelta(hours=1), timedelta(days=1))
        )
        late_before = await self._duties_past()
        await self._compare_clocks()
        await self._see_that_all_run(thorough=quarter)
        money = MoneySweep(self.sessions, self.client, self.provider, self.now)
        self.findings += await money.look(hourly=hour, daily=day)
        self.checked += money.checked
        await self._tell_what_was_left()
        await self._compare_versions()
        await self.mail.see_letters_end()
        if quarter:
            await self.mail.see_all_explained(thorough=day, late=late_before)
        if hour:
            await self.mail.see_messages_read()
        if day:
            await self.mail.compare_relay_log()
            await self._read_timelines()
        await self._see_duties_done(late_before)

    def _found(self, check: Check, about: str, what: str, mend: Mend) -> None:
        self.findings.append(
            Disagreement(check=check, about=about, what=what, mend=mend)
        )

    # ------------------------------------------------------------- R13, the clocks

    async def _compare_clocks(self) -> None:
        async with self.sessions() as session:
            before = datetime.now(UTC)
            theirs = await disagreements.database_clock(session)
            after = datetime.now(UTC)
        self.checked += 1
        apart = abs(theirs - (before + (after - before) / 2))
        if apart > CLOCKS_APART:
            what = f"{apart.total_seconds():.0f} s apart"
            self._found(Check.CLOCKS, "database", what, Mend.FOR_A_PERSON)

    # ----------------------------------------------- R2, every open dossier runs

    async def _see_that_all_run(self, *, thorough: bool) -> None:
        try:
            missing = await self._missing(thorough=thorough)
            lost_many = len(missing) > MOST_STARTED
            if lost_many and not self.rebuild:
                what = f"{len(missing)} open dossiers without a running workflow"
                self._found(Check.RUNNING, "namespace", what, Mend.FOR_A_PERSON)
                return
            await _in_parallel(self._start, missing)
        except _AWAY as away:
            self.temporal_answers = False
            what = f"no answer: {type(away).__name__}"
            self._found(Check.TEMPORAL, "server", what, Mend.FOR_A_PERSON)

    async def _missing(self, *, thorough: bool) -> list[str]:
        """List open dossiers that do not run; past MOST_STARTED, some may."""
        async with self.sessions() as session:
            number_open = await disagreements.how_many_open_dossiers(session)
        self.checked += number_open
        counted = await self.client.count_workflows(_RUNNING, rpc_timeout=_ANSWER_LIMIT)
        if counted.count == number_open and not thorough:
            return []  # the lists are compared one by one at the next long look
        running = {w.id async for w in self.client.list_workflows(_RUNNING)}
        unlisted = [n for n in await self._open_dossiers() if n not in running]
        missing: list[str] = []
        for number in unlisted:
            # The list lags behind: a workflow just started may not be on it yet.
            if len(missing) > MOST_STARTED or not await self._runs(number):
                missing.append(number)
        return missing

    async def _open_dossiers(self) -> list[str]:
        numbers: list[str] = []
        async with self.sessions() as session:
            while page := await disagreements.open_dossiers(
                session, after=numbers[-1] if numbers else "", limit=_PAGE
            ):
                numbers.extend(page)
        return numbers

    async def _runs(self, number: str) -> bool:
        try:
            told = await story_of(self.client, number).describe(
                rpc_timeout=_ANSWER_LIMIT
            )
        except RPCError as problem:
            if problem.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return told.status is WorkflowExecutionStatus.RUNNING

    async def _start(self, number: str) -> None:
        try:
            await begin(self.client, DossierNumber(number))
        except _AWAY:
            self._found(Check.RUNNING, number, "cannot be started", Mend.FOR_A_PERSON)
        else:
            self._found(Check.RUNNING, number, "started again", Mend.REPAIRED)

    # ---------------------------------------------- R1, every fact kept is applied

    async def _tell_what_was_left(self) -> None:
        async with self.sessions() as session:
            waiting = await disagreements.facts_not_applied(
                session,
                new_before=self.now - NEW_TOO_LONG,
                signalled_before=self.now - SIGNALLED_TOO_LONG,
                limit=_PAGE,
            )
        self.checked += len(waiting)
        left = frozenset(fact.fact_id for fact in waiting)
        if self.temporal_answers:
            ids = [fact.fact_id for fact in waiting]
            left = frozenset(
                await deliver(self.sessions, self.client, ids, limit=_TELLING_LIMIT)
            )
        for fact in waiting:
            # A story that was told so long ago does not listen.
            deaf = fact.state == "signalled" and self._is_old(fact.stored_at)
            what = "still not told" if fact.fact_id in left else "told again"
            needs_person = deaf or fact.fact_id in left
            self._found(Check.FACTS, fact.fact_id, what, _mend(person=needs_person))

    def _is_old(self, since: datetime) -> bool:
        return self.now - since > PERSON_AFTER

    # ------------------------------------- R4, the row says what the workflow says

    async def _compare_versions(self) -> None:
        if not self.temporal_answers:
            return
        async with self.sessions() as session:
            sample = await disagreements.some_open_dossiers(
                session, seed=self.now.isoformat(), limit=SAMPLE
            )
        answered = await _in_parallel(self._compare_version, sample)
        self.checked += len(sample)
        if sample and not any(answered):
            what = f"none of {len(sample)} stories answers"
            self._found(Check.VERSIONS, "worker", what, Mend.FOR_A_PERSON)

    async def _compare_version(self, number: str) -> bool:
        """Compare one dossier; False when no worker answers for it."""
        for _ in range(_LOOKS):
            try:
                told = await story_of(self.client, number).query(
                    RenewalWorkflow.state, rpc_timeout=self.story_limit
                )
            except WorkflowQueryFailedError:
                told = None  # it is just taking up what the database knows
            except _AWAY:
                return False
            async with self.sessions() as session:
                kept = await disagreements.kept_version(session, number)
            if told is not None and told.version >= kept:
                break
            # The row is written first: a story in the middle of a turn catches up.
            await asyncio.sleep(_PAUSE_S)
        if told is not None and told.version != kept:
            what = f"the workflow is at version {told.version}, the row at {kept}"
            self._found(Check.VERSIONS, number, what, Mend.FOR_A_PERSON)
        return True

    # --------------------------------------------------- R5, no duty waits too long

    async def _duties_past(self) -> dict[str, DutyPast]:
        async with self.sessions() as session:
            past = await disagreements.duties_past(
                session, now=self.now, grace=DUTY_GRACE, limit=_PAGE
            )
        return {duty.dossier: duty for duty in past}

    async def _see_duties_done(self, late_before: dict[str, DutyPast]) -> None:
        """Wake whoever was late at the beginning of the sweep, and still is.

        Looked at twice, since a turn under way is not a duty forgotten.
        """
        for number, duty in (await self._duties_past()).items():
            before = late_before.get(number)
            if before is None or before.due_at != duty.due_at:
                continue
            person = duty.late_by > PERSON_AFTER or not await self._wake(number)
            what = f"a duty of {duty.due_at.isoformat()} is not done"
            self._found(Check.DUTIES, number, what, _mend(person=person))

    async def _wake(self, number: str) -> bool:
        if not self.temporal_answers:
            return False  # each try would last until its timeout
        try:
            await story_of(self.client, number).signal(
                RenewalWorkflow.wake, rpc_timeout=_ANSWER_LIMIT
            )
        except _AWAY:
            return False
        return True

    # -------------------------------------------------------- R12, the histories

    async def _read_timelines(self) -> None:
        async with self.sessions() as session:
            breaks = await disagreements.timeline_breaks(session, limit=_PAGE)
        for number, position in breaks:
            what = f"line {position} does not follow the one before"
            self._found(Check.TIMELINE, number, what, Mend.FOR_A_PERSON)


def _period(at: datetime, every: timedelta) -> int:
    return int(at.timestamp() // every.total_seconds())


def _mend(*, person: bool) -> Mend:
    return Mend.FOR_A_PERSON if person else Mend.REPAIRED


async def _in_parallel(
    act: Callable[[str], Awaitable[Done]], numbers: Sequence[str]
) -> list[Done]:
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(number: str) -> Done:
        async with room:
            return await act(number)

    return await asyncio.gather(*(one(number) for number in numbers))
