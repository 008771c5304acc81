"""A file that somebody said yes to, brought in batch by batch: twice is as once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

import engine
from intake.importing.faults import FileFault, FileRefused
from intake.importing.judging import Batch, judge
from intake.importing.lines import Understood, understand
from intake.importing.reading import Sheet, read_sheet
from records.clock import database_now
from records.database import Sessions
from records.fees import policy_in_force
from records.imports import (
    ImportRow,
    Step,
    act_alone,
    import_numbered,
    note_started,
    note_written,
)
from records.moving_in import hold_people, open_under, put_in_place
from rules.civil_time import civil_date
from rules.dossier import Kind
from rules.numbers import DossierNumber
from rules.policy import Policy
from workflows.effects import RENEWALS
from workflows.importing import ImportWorkflow
from workflows.renewal import RenewalWorkflow

BATCH = 250
"""Lines kept in one transaction: some tens of milliseconds, so that others pass."""

AT_ONCE = 20
"""Stories begun side by side, and no more before the worker has taken up those before:
it keeps up, and others pass.
"""

_TAKEN_UP_WITHIN_S = 30.0
_ANSWER = timedelta(seconds=5)
_PAUSE_S = 0.05

_MOST_COLLISIONS = 5

Told = Callable[[ImportRow], None]


@dataclass(slots=True)
class Foreseen:
    """What a file would come to; *lines* are judged in their order."""

    batches: list[Batch] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Count what would be made, by phase too, what is there and what is refused."""
        arrivals = [each for batch in self.batches for each in batch.arrivals]
        letters = sum(each.letters_due for b in self.batches for each in b.judged)
        by_phase: dict[str, int] = {}
        for each in arrivals:
            by_phase[each.phase] = by_phase.get(each.phase, 0) + 1
        return {
            "made": len(arrivals),
            "there": sum(batch.there for batch in self.batches),
            "refused": len(self.refused),
            "letters": letters,
            **by_phase,
        }

    @property
    def refused(self) -> dict[int, list[dict[str, str]]]:
        """Give the faults of each refused line, as they are kept."""
        together: dict[int, list[dict[str, str]]] = {}
        for batch in self.batches:
            together |= batch.refused
        return together


async def foresee(sessions: Sessions, sheet: Sheet) -> Foreseen:
    """Judge every line as of now; nothing is written."""
    async with sessions() as session:
        now, policy = await _present(session)
    lines = await asyncio.to_thread(understand, sheet, policy, civil_date(now))
    foreseen = Foreseen()
    for first in range(0, len(lines), BATCH):
        async with sessions() as session:
            few = lines[first : first + BATCH]
            foreseen.batches.append(await judge(session, few, policy, now))
    return foreseen


async def begin_import(client: Client, import_id: str) -> None:
    """
    Start the story of a file.

    Raises WorkflowAlreadyStartedError where it runs; TimeoutError, RPCError or
    RuntimeError while Temporal does not answer: the next sweep starts it.
    """
    async with asyncio.timeout(engine.SIGNAL_LIMIT.total_seconds()):
        await client.start_workflow(
            ImportWorkflow.run,
            import_id,
            id=f"import-{import_id}",
            task_queue=RENEWALS,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary="Import of certificates",
        )


@dataclass(slots=True)
class BringingIn:
    """One file on its way in; several may work at it, and each batch is one's alone."""

    sessions: Sessions
    client: Client
    import_id: str
    at_once: int = AT_ONCE
    batch: int = BATCH
    _sheet: Sheet | None = None
    _collisions: int = 0
    _no_worker: bool = False
    _lines: Mapping[datetime, Sequence[Understood]] = field(default_factory=dict)

    async def to_the_end(self, tell: Told = lambda _: None) -> int:
        """Write and start until nothing is left; *tell* hears how far it is.

        Returns the number of lines. Raises LookupError for a file that nobody keeps or
        said yes to; whatever the database or Temporal raises, the same call goes on.
        """
        while True:
            async with self.sessions() as session:
                row = await import_numbered(session, self.import_id)
            if row is None or row.begun_at is None:
                raise LookupError(f"no import {self.import_id[:12]} is asked for")
            tell(row)
            if row.ended_at is not None:
                return row.lines
            if row.started < row.written or row.lines == 0:
                await self._start(row, tell)
            else:
                await self._write_unless_another_was_quicker()

    async def _write_unless_another_was_quicker(self) -> None:
        """Judge a batch anew where a door took a number, or issued a certificate."""
        try:
            await self._write()
        except IntegrityError:
            self._collisions += 1
            if self._collisions > _MOST_COLLISIONS:
                raise
        else:
            self._collisions = 0

    async def _write(self) -> None:
        """Keep the next batch, and how far we are, in one transaction."""
        async with self.sessions.begin() as session:
            await act_alone(session)
            row = await import_numbered(session, self.import_id)
            if row is None or row.written >= row.lines:
                return
            now, policy = await _present(session)
            lines = await self._understood(row, policy)
            few = lines[row.written : row.written + self.batch]
            # First the persons, then what is known of them: nobody adds one between.
            await hold_people(
                session, {x.holder.person_key for x in few if x.holder is not None}
            )
            batch = await judge(session, few, policy, now)
            await put_in_place(
                session,
                batch.arrivals,
                batch.known,
                at=now,
                policy_version=policy.version,
                by=row.begun_by or row.uploaded_by,
            )
            made = len(batch.arrivals)
            step = Step(len(few), made, batch.there, batch.refused)
            await note_written(session, row, step)

    async def _start(self, row: ImportRow, tell: Told) -> None:
        """Begin the stories of what is kept; a running one is left alone."""
        async with self.sessions() as session:
            _, policy = await _present(session)
        lines = (await self._understood(row, policy))[row.started : row.written]
        keys = {line.holder.key for line in lines if line.holder is not None}
        async with self.sessions() as session:
            numbers = await open_under(session, keys)
        before: str | None = None
        for first in range(0, len(numbers), self.at_once):
            few = numbers[first : first + self.at_once]
            await self._begin(few)
            tell(row)
            await self._taken_up(before)
            before = few[-1]
        async with self.sessions.begin() as session:
            await note_started(
                session, self.import_id, since=row.started, upto=row.written
            )

    async def _begin(self, numbers: Sequence[str]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for number in numbers:
                    told = engine.begin(self.client, DossierNumber(number))
                    group.create_task(told)
        except ExceptionGroup as several:
            # One of them says enough; what is kept is started the next time.
            raise several.exceptions[0] from None

    async def _taken_up(self, number: str | None) -> None:
        """Wait until the worker has taken up a story, and so those before it.

        Begun faster than that, stories would outlast the time of their first task, and
        be begun in vain again and again. Without a worker nobody is to be spared.
        """
        if number is None or self._no_worker:
            return
        story = engine.story_of(self.client, number)
        try:
            async with asyncio.timeout(_TAKEN_UP_WITHIN_S):
                while True:
                    try:
                        await story.query(RenewalWorkflow.state, rpc_timeout=_ANSWER)
                    except (RPCError, WorkflowQueryFailedError) as not_yet:
                        if _says_nobody_works(not_yet):
                            return
                        await asyncio.sleep(_PAUSE_S)
                    else:
                        return
        except TimeoutError:
            self._no_worker = True

    async def _understood(self, row: ImportRow, policy: Policy) -> Sequence[Understood]:
        """Understand the file as of the instant at which somebody said yes to it."""
        assert row.begun_at is not None
        if row.begun_at not in self._lines:
            if self._sheet is None:
                self._sheet = await asyncio.to_thread(read_sheet, row.content)
            lines = await asyncio.to_thread(
                understand, self._sheet, policy, civil_date(row.begun_at)
            )
            if len(lines) != row.lines:
                raise FileRefused(FileFault.TOO_MANY_LINES, str(row.lines))
            self._lines = {row.begun_at: lines}
        return self._lines[row.begun_at]


def _says_nobody_works(answer: Exception) -> bool:
    nobody = RPCStatusCode.FAILED_PRECONDITION
    return isinstance(answer, RPCError) and answer.status is nobody


async def _present(session: AsyncSession) -> tuple[datetime, Policy]:
    now = await database_now(session)
    return now, await policy_in_force(session, Kind.CAR, civil_date(now))
