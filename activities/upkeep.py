"""Reconciliation: what was told, what is kept and what is being done, compared."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from temporalio import activity
from temporalio.client import Client

from activities.money import MoneySweep
from activities.rewriting import MailIdentity, Rewriting
from activities.rhythm import due_since
from activities.sayings import finding, mend
from activities.sweeping_imports import carry_imports_on
from activities.sweeping_mail import PERSON_AFTER, MailSweep
from activities.sweeping_records import RecordsSweep
from activities.sweeping_runs import ANSWER_LIMIT, AWAY, RunsSweep
from engine import story_of
from intake.delivery import deliver
from payments.choosing import provider_of
from payments.provider import PaymentProvider
from records import disagreements
from records.clock import clock_of
from records.daily import day_to_report
from records.database import Sessions
from records.disagreements import DutyPast
from records.missed import DUTY_GRACE
from records.sweeps import Sweep, begin_sweep, end_sweep, last_sweep, last_whole_sweep
from settings import Settings
from workflows.renewal import RenewalWorkflow
from workflows.upkeep import FINDINGS_SHOWN, Check, Disagreement, Mend, SweepReport

NEW_TOO_LONG = timedelta(seconds=60)
SIGNALLED_TOO_LONG = timedelta(minutes=5)

STORY_LIMIT = timedelta(seconds=2)
"""How long a story is waited for; without a worker it does not answer."""

_PAGE = 1000
_TELLING_LIMIT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Means:
    """What a sweep asks besides the database and Temporal; each may be lacking.

    *heads_dir* is the folder to which the heads of histories are exported.
    *reports* says that an operator is written to once a day.
    """

    provider: PaymentProvider | None = None
    relay_log_url: str | None = None
    story_limit: timedelta = STORY_LIMIT
    heads_dir: Path | None = None
    secret: bytes = b""
    mail_domain: str = "echeance.example"
    reports: bool = False

    @classmethod
    def of(cls, settings: Settings, sessions: Sessions) -> Self:
        """Read them from the settings."""
        return cls(
            provider=provider_of(settings, clock_of(sessions)),
            relay_log_url=settings.relay_log_url,
            heads_dir=settings.heads_dir,
            secret=settings.mail_key.get_secret_value().encode(),
            mail_domain=settings.mail_domain,
            reports=settings.operator_address is not None,
        )


class Upkeep:
    """The effect of a scheduled sweep, on one database and one Temporal server."""

    def __init__(
        self, sessions: Sessions, client: Client, means: Means | None = None
    ) -> None:
        self._sessions = sessions
        self._client = client
        self._means = means or Means()

    @activity.defn(name="reconcile")
    async def reconcile(self, now: datetime) -> SweepReport:
        """Compare and repair once; *now* is the real instant, not a dossier's."""
        return await self.sweep(now, server_at=activity.info().started_time)

    async def sweep(
        self,
        now: datetime,
        *,
        thorough: bool = False,
        rebuild: bool = False,
        server_at: datetime | None = None,
    ) -> SweepReport:
        """
        Compare, repair what is safe, and write down that this was done.

        *thorough* takes every look; otherwise activities.rhythm says which are due.
        *rebuild* mends every workflow that is missing or forgot, however many.
        *server_at* is what Temporal's clock says now.
        """
        came_in_at = datetime.now(UTC)
        async with self._sessions.begin() as session:
            previous = await last_sweep(session)
            # One cut short took none of its looks.
            whole = await last_whole_sweep(session)
            row = await begin_sweep(session)
        before = None if thorough or whole is None else whole.started_at
        sweep = _Sweep(self._sessions, self._client, self._means, now, rebuild=rebuild)
        await sweep.records.compare_clocks(server_at, came_in_at)
        await sweep.look(before)
        return await self._ended(sweep, row, previous)

    async def _ended(
        self, sweep: "_Sweep", row: Sweep, previous: Sweep | None
    ) -> SweepReport:
        shown = tuple(sweep.findings[:FINDINGS_SHOWN])
        mended = [finding.mend for finding in sweep.findings]
        async with self._sessions.begin() as session:
            ended_at = await disagreements.database_clock(session)
            await end_sweep(
                session,
                row,
                ended_at=ended_at,
                checked=sweep.checked,
                repaired=mended.count(Mend.REPAIRED),
                findings=[finding.model_dump(mode="json") for finding in shown],
                skipped=sweep.skipped,
            )
            report_on = None
            if self._means.reports:
                report_on = await day_to_report(session, sweep.now)
        age = None if previous is None else row.started_at - previous.started_at
        return SweepReport(
            started_at=row.started_at,
            ended_at=ended_at,
            checked=sweep.checked,
            found=len(sweep.findings),
            repaired=mended.count(Mend.REPAIRED),
            for_a_person=mended.count(Mend.FOR_A_PERSON),
            previous_age_s=None if age is None else age.total_seconds(),
            findings=shown,
            skipped=tuple(sweep.skipped),
            report_on=report_on,
        )


@dataclass(slots=True)
class _Sweep:
    """One sweep: each check looks, repairs and adds what it found."""

    sessions: Sessions
    client: Client
    means: Means
    now: datetime
    rebuild: bool = field(kw_only=True)
    findings: list[Disagreement] = field(default_factory=list)
    facts_checked: int = 0
    imports_checked: int = 0
    mail: MailSweep = field(init=False)
    runs: RunsSweep = field(init=False)
    records: RecordsSweep = field(init=False)
    money: MoneySweep = field(init=False)

    def __post_init__(self) -> None:
        means, found = self.means, self._found
        self.mail = MailSweep(
            self.sessions, self.now, means.relay_log_url, found, self._wake
        )
        identity = MailIdentity(means.secret, means.mail_domain, means.relay_log_url)
        self.runs = RunsSweep(
            self.sessions,
            self.client,
            self.now,
            found,
            Rewriting(self.sessions, self.client, identity),
            means.story_limit,
            rebuild=self.rebuild,
        )
        self.records = RecordsSweep(
            self.sessions, self.client, self.now, found, means.heads_dir, means.secret
        )
        self.money = MoneySweep(self.sessions, self.client, means.provider, self.now)

    @property
    def checked(self) -> int:
        """How many things were looked at."""
        looks = (self.mail, self.runs, self.records, self.money)
        own = self.facts_checked + self.imports_checked
        return own + sum(look.checked for look in looks)

    @property
    def skipped(self) -> list[str]:
        """Which checks could not be made, and why."""
        return [*self.mail.skipped, *self.runs.skipped, *self.records.skipped]

    async def look(self, previous_at: datetime | None) -> None:
        """Take every look that is due since *previous_at*; all of them for None."""
        due = due_since(previous_at, self.now)
        late_before = await self._duties_past()
        await self.runs.see_what_runs(thorough=due.quarter, hourly=due.hour)
        self.findings += await self.money.look(hourly=due.hour, daily=due.day)
        if due.hour:
            await self.records.tell_of_permits()
        await self._tell_what_was_left()
        self.imports_checked = await carry_imports_on(
            self.sessions, self.client, self._found
        )
        await self.mail.see_letters_end()
        if due.five_minutes:
            await self.runs.compare_versions(thorough=due.hour)
            await self.runs.find_failing()
        if due.quarter:
            await self.runs.see_nobody_twice()
            await self.mail.see_all_explained(thorough=due.day, late=late_before)
        if due.hour:
            await self.mail.see_messages_read()
        if due.day:
            await self.mail.compare_relay_log()
            await self.records.read_histories(whole=due.week)
            await self.records.forget_what_is_old()
        await self._see_duties_done(late_before)

    def _found(
        self, check: Check, about: str, code: str, mended: Mend, /, **values: object
    ) -> None:
        self.findings.append(finding(check, about, code, mended, **values))

    # ---------------------------------------------- R1, every fact kept is applied

    async def _tell_what_was_left(self) -> None:
        # A Temporal that is rebuilt heard nothing, however lately it was told.
        async with self.sessions() as session:
            waiting = await disagreements.facts_not_applied(
                session,
                new_before=self.now - self._patience(NEW_TOO_LONG),
                signalled_before=self.now - self._patience(SIGNALLED_TOO_LONG),
                limit=_PAGE,
            )
        self.facts_checked += len(waiting)
        left = frozenset(fact.fact_id for fact in waiting)
        if self.runs.answers:
            ids = [fact.fact_id for fact in waiting]
            left = frozenset(
                await deliver(self.sessions, self.client, ids, limit=_TELLING_LIMIT)
            )
        for fact in waiting:
            # A story that was told so long ago does not listen.
            deaf = fact.state == "signalled" and self._is_old(fact.stored_at)
            code = "still_not_told" if fact.fact_id in left else "told_again"
            needs_person = deaf or fact.fact_id in left
            self._found(Check.FACTS, fact.fact_id, code, mend(person=needs_person))

    def _patience(self, usual: timedelta) -> timedelta:
        return timedelta() if self.rebuild else usual

    def _is_old(self, since: datetime) -> bool:
        return self.now - since > PERSON_AFTER

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
            at = duty.due_at
            self._found(
                Check.DUTIES, number, "duty_not_done", mend(person=person), at=at
            )

    async def _wake(self, number: str) -> bool:
        if not self.runs.answers:
            return False  # each try would last until its timeout
        try:
            await story_of(self.client, number).signal(
                RenewalWorkflow.wake, rpc_timeout=ANSWER_LIMIT
            )
        except AWAY:
            return False
        return True
