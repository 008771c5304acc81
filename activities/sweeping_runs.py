"""What a sweep looks at of Temporal: what runs, what it knows, what fails there."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
)
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from activities.rewriting import Rewriting
from activities.sayings import Found
from engine import begin, begin_anew, story_of
from records import disagreements
from records.database import Sessions
from records.imports import on_their_way
from records.strays import kept_states, may_still_run, opened_twice
from rules.numbers import DossierNumber
from seals import PROBLEMS as SEAL_PROBLEMS
from workflows.messages import StateView
from workflows.renewal import RenewalWorkflow
from workflows.shown import PHASE
from workflows.upkeep import Check, Mend

MOST_STARTED = 10
"""More lost at once is a lost namespace, not an accident: a person decides."""

SAMPLE, LARGE_SAMPLE = 20, 500
"""Stories asked for their version every five minutes, and every hour."""

ANSWER_LIMIT = timedelta(seconds=2)

# RuntimeError is how a lazy client says that it cannot connect.
AWAY = (RPCError, RuntimeError, TimeoutError)

RUNNING = "WorkflowType = 'RenewalWorkflow' AND ExecutionStatus = 'Running'"
FAILING = f"{RUNNING} AND TemporalReportedProblems IS NOT NULL"
PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")

_PAGE = 1000
_AT_ONCE = 8
_LOOKS = 3
_PATIENCE_OF_A_REBUILD = 10
_PAUSE_S = 0.2

Given = TypeVar("Given")
Got = TypeVar("Got")


@dataclass(slots=True)
class RunsSweep:
    """The looks of one sweep at running workflows.

    *rebuild* mends however many are lost. *answers* is False once the server does not.
    """

    sessions: Sessions
    client: Client
    now: datetime
    found: Found
    rewriting: Rewriting
    story_limit: timedelta
    rebuild: bool = False
    checked: int = 0
    answers: bool = True
    skipped: list[str] = field(default_factory=list)
    _asked: set[str] = field(default_factory=set)

    # ------------------------------- R2 and R3, what is open runs, and nothing else

    async def see_what_runs(self, *, thorough: bool, hourly: bool) -> None:
        """Compare open dossiers with running workflows, both ways.

        Between the *thorough* looks, only their numbers are compared.
        """
        try:
            listed = await self._listed(thorough=thorough)
            if listed is None:
                return
            open_now = await self._open_dossiers()
            await self._start_missing(listed, open_now)
            await self._find_strays(listed, frozenset(open_now))
            if hourly:
                await self._compare_shown(listed)
        except AWAY as away:
            self.answers = False
            why = type(away).__name__
            self.found(
                Check.TEMPORAL, "server", "no_answer", Mend.FOR_A_PERSON, why=why
            )

    async def see_nobody_twice(self) -> None:
        """Find persons with two dossiers of one kind in use."""
        async with self.sessions() as session:
            twice = await opened_twice(session, limit=_PAGE)
        for number in twice:
            self.found(Check.STRAYS, number, "opened_twice", Mend.FOR_A_PERSON)

    async def _listed(
        self, *, thorough: bool
    ) -> Mapping[str, WorkflowExecution] | None:
        async with self.sessions() as session:
            number_open = await disagreements.how_many_open_dossiers(session)
        self.checked += number_open
        counted = await self.client.count_workflows(RUNNING, rpc_timeout=ANSWER_LIMIT)
        if counted.count == number_open and not thorough:
            return None  # the lists are compared one by one at the next long look
        listing = self.client.list_workflows(RUNNING, page_size=_PAGE)
        return {running.id: running async for running in listing}

    async def _open_dossiers(self) -> list[str]:
        numbers: list[str] = []
        async with self.sessions() as session:
            while page := await disagreements.open_dossiers(
                session, after=numbers[-1] if numbers else "", limit=_PAGE
            ):
                numbers.extend(page)
        return numbers

    async def _start_missing(
        self, listed: Collection[str], open_now: Sequence[str]
    ) -> None:
        missing: list[str] = []
        async with self.sessions() as session:
            coming = await on_their_way(session)
        for number in open_now:
            if number in listed or number in coming:
                continue
            # The list lags behind: a workflow just started may not be on it yet.
            if len(missing) > MOST_STARTED or not await self._runs(number):
                missing.append(number)
        if len(missing) > MOST_STARTED and not self.rebuild:
            self.found(
                Check.RUNNING,
                "namespace",
                "namespace_lost",
                Mend.FOR_A_PERSON,
                count=len(missing),
            )
            return
        await in_parallel(self._start, missing)

    async def _find_strays(
        self, listed: Collection[str], open_now: frozenset[str]
    ) -> None:
        """Find what runs without an open dossier, looked at more than once.

        One just opened, or one whose last letter is leaving, is not astray.
        """
        suspects = [number for number in listed if number not in open_now][:_PAGE]
        for look in range(_LOOKS):
            if not suspects:
                return
            if look:
                await asyncio.sleep(_PAUSE_S)
            async with self.sessions() as session:
                rightly = await may_still_run(session, suspects)
            left = [number for number in suspects if number not in rightly]
            still = await in_parallel(self._runs, left)
            suspects = [
                number for number, runs in zip(left, still, strict=True) if runs
            ]
        for number in suspects:
            self.found(Check.STRAYS, number, "stray", Mend.FOR_A_PERSON)

    async def _runs(self, number: str) -> bool:
        try:
            told = await story_of(self.client, number).describe(
                rpc_timeout=ANSWER_LIMIT
            )
        except RPCError as problem:
            if problem.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return told.status is WorkflowExecutionStatus.RUNNING

    async def _start(self, number: str) -> None:
        try:
            await begin(self.client, DossierNumber(number))
        except AWAY:
            self.found(Check.RUNNING, number, "cannot_be_started", Mend.FOR_A_PERSON)
        else:
            self.found(Check.RUNNING, number, "started_again", Mend.REPAIRED)

    # ----------------------------------- R4, the row says what the workflow says

    async def compare_versions(self, *, thorough: bool) -> None:
        """Ask some stories what they know; all of them to rebuild a lost Temporal."""
        if not self.answers:
            return
        if self.rebuild:
            drawn: Sequence[str] = await self._open_dossiers()
        else:
            async with self.sessions() as session:
                drawn = await disagreements.some_open_dossiers(
                    session,
                    seed=self.now.isoformat(),
                    limit=LARGE_SAMPLE if thorough else SAMPLE,
                )
        await self._compare([number for number in drawn if number not in self._asked])

    async def _compare_shown(self, listed: Mapping[str, WorkflowExecution]) -> None:
        """Compare each row's phase with Temporal's list; ask where they differ."""
        async with self.sessions() as session:
            kept = await kept_states(session, listed)
        self.checked += len(kept)
        differ = []
        for number, (phase, _) in kept.items():
            shown = listed[number].typed_search_attributes.get(PHASE)
            if shown is not None and shown != phase:
                differ.append(number)
        await self._compare(differ[:LARGE_SAMPLE])

    async def _compare(self, numbers: Sequence[str]) -> None:
        looked = await in_parallel(self._look_at, numbers[:SAMPLE])
        if not all(look.is_silent for look in looked):
            looked += await in_parallel(self._look_at, numbers[SAMPLE:])
        numbers = numbers[: len(looked)]  # a worker that is away is not waited for
        self.checked += len(numbers)
        self._asked.update(numbers)
        if numbers and all(look.is_silent for look in looked):
            self.found(
                Check.VERSIONS,
                "worker",
                "worker_silent",
                Mend.FOR_A_PERSON,
                count=len(numbers),
            )
        elif silent := sum(look.is_silent for look in looked):
            said = f"{silent} of {len(numbers)} stories did not answer"
            self.skipped.append(f"{Check.VERSIONS}: {said}")
        differ = [look for look in looked if look.differs]
        if len(differ) > MOST_STARTED and not self.rebuild:
            self.found(
                Check.VERSIONS,
                "namespace",
                "many_differ",
                Mend.FOR_A_PERSON,
                count=len(differ),
            )
            return
        await in_parallel(self._mend, differ)

    async def _look_at(self, number: str) -> "Look":
        """Compare one dossier; silent when no worker answers for it."""
        told: StateView | None = None
        version, phase = 0, ""
        # After a rebuild every story begins at once, and each must have its turn.
        patience = _PATIENCE_OF_A_REBUILD if self.rebuild else 1
        for _ in range(_LOOKS * patience):
            try:
                told = await story_of(self.client, number).query(
                    RenewalWorkflow.state, rpc_timeout=self.story_limit * patience
                )
            except WorkflowQueryFailedError:
                told = None  # it is just taking up what the database knows
            except AWAY:
                return Look(number, None, 0, "", is_silent=True)
            async with self.sessions() as session:
                version, phase = await disagreements.kept_state(session, number)
            look = Look(number, told, version, phase)
            if told is not None and not look.differs:
                break
            # The row is written first: a story in the middle of a turn catches up.
            await asyncio.sleep(_PAUSE_S)
        return Look(number, told, version, phase)

    async def _mend(self, look: "Look") -> None:
        """Bring both to the same version: the one that knows more is right."""
        told = look.told
        assert told is not None
        said: dict[str, object] = {"story": told.version, "row": look.version}
        try:
            if told.version < look.version:
                await begin_anew(self.client, DossierNumber(look.number))
                code = "story_behind"
            else:
                await self.rewriting.write(told)
                code = "row_behind"
                if told.version == look.version:
                    code = "shown_otherwise"
                    said = {"story": told.phase, "row": look.phase}
        except (*AWAY, LookupError):
            self.found(
                Check.VERSIONS, look.number, "differs", Mend.FOR_A_PERSON, **said
            )
        else:
            self.found(Check.VERSIONS, look.number, code, Mend.REPAIRED, **said)

    # ----------------------------------------- R14, workflow tasks that fail

    async def find_failing(self) -> None:
        """List the workflows of which the server says that their tasks fail."""
        if not self.answers:
            return
        try:
            failing = [running async for running in self.client.list_workflows(FAILING)]
        except RPCError as problem:
            if problem.status is RPCStatusCode.INVALID_ARGUMENT:
                # Servers before 1.30 do not keep it.
                self.skipped.append(
                    f"{Check.PROBLEMS}: this Temporal has no TemporalReportedProblems"
                )
                return
            self.answers = False
            return
        self.checked += 1
        for running in failing:
            told = running.typed_search_attributes.get(PROBLEMS) or ()
            why = ", ".join(word.partition("=")[2] for word in told)
            why = await self._of_seals(running) or why
            self.found(
                Check.PROBLEMS, running.id, "task_fails", Mend.FOR_A_PERSON, why=why
            )

    async def _of_seals(self, running: WorkflowExecution) -> str | None:
        """Name the key that a story lacks, if that is why its tasks fail."""
        handle = self.client.get_workflow_handle(running.id, run_id=running.run_id)
        history = await handle.fetch_history()
        for event in reversed(history.events):
            failure = event.workflow_task_failed_event_attributes.failure
            if failure.application_failure_info.type in SEAL_PROBLEMS:
                return failure.message
        return None


@dataclass(frozen=True, slots=True)
class Look:
    """What a story said, and what its row says; *told* is None while it begins."""

    number: str
    told: StateView | None
    version: int
    phase: str
    is_silent: bool = False

    @property
    def differs(self) -> bool:
        """Whether the two do not say the same."""
        if self.told is None:
            return False
        return (self.told.version, self.told.phase) != (self.version, self.phase)


async def in_parallel(
    act: Callable[[Given], Awaitable[Got]], given: Sequence[Given]
) -> list[Got]:
    """Do the same for each, a few at once."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(each: Given) -> Got:
        async with room:
            return await act(each)

    return await asyncio.gather(*(one(each) for each in given))
