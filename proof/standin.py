"""What a story calls `workflow`, without Temporal: the same verbs in virtual time.

The real RenewalWorkflow runs on it, line by line. Not covered here: Temporal itself,
replay, the real activities, the database, SMTP; the other layers are for that.
"""

import logging
import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from types import ModuleType
from typing import Any, NoReturn, TypeVar

from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from rules import agenda, standing
from rules.dossier import Dossier
from rules.policy import Policy
from workflows import consequences, doors, postbox, renewal, shown
from workflows.messages import AnyCommand, AnyFact, LetterOrder, Posted, Start
from workflows.renewal import RenewalWorkflow

T = TypeVar("T")
TURNS_TO_A_RUN = 5
"""So often a run is told that its history is long."""


class ContinueAsNewError(BaseException):
    """The run ends, and the next one begins from *start*."""

    def __init__(self, start: Start) -> None:
        super().__init__()
        self.start = start


@dataclass(slots=True)
class Wait:
    """What a coroutine waits for: a condition, or the end of its patience."""

    condition: Callable[[], bool]
    deadline: datetime | None


@types.coroutine
def _waiting(wait: Wait) -> Generator[Wait, None, None]:
    yield wait


@dataclass(slots=True)
class Sending:
    """The handle of one letter on its way."""

    order: LetterOrder
    attempts: int = 0
    over: bool = False
    _posted: Posted | None = None
    _stopped: bool = False
    _callbacks: list[Callable[[object], None]] = field(default_factory=list)

    def cancel(self) -> None:
        """Ask the sending to stop; it is over once the driver has seen it."""
        self._stopped = True

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped

    def end(self, posted: Posted | None) -> None:
        """Say how it ended; None when it was stopped before it left."""
        self.over, self._posted = True, posted
        for callback in self._callbacks:
            callback(self)

    def cancelled(self) -> bool:
        """Whether it was stopped before it left."""
        return self._posted is None

    def exception(self) -> BaseException | None:
        """No sending fails here: it is tried again."""
        return None

    def result(self) -> Posted:
        """How it ended."""
        assert self._posted is not None
        return self._posted

    def add_done_callback(self, callback: Callable[[object], None]) -> None:
        """Have the postbox told."""
        self._callbacks.append(callback)


class _Info:
    """What a run knows of itself."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self.typed_search_attributes: dict[object, object] = run.attributes

    def is_continue_as_new_suggested(self) -> bool:
        return self._run.turns > TURNS_TO_A_RUN

    def is_target_worker_deployment_version_changed(self) -> bool:
        return False


Effects = Callable[[str, Any], Any]


class Run:
    """One run of a dossier's story, stepped until nothing more can happen."""

    def __init__(self, start: Start, effects: Effects) -> None:
        self.story = RenewalWorkflow(start)
        self.attributes: dict[object, object] = {}
        self.sendings: list[Sending] = []
        self.turns = 0
        self.result: str | None = None
        self._effects = effects
        self._routines: list[tuple[Coroutine[Any, Any, Any], Wait | None]] = [
            (self.story.run(start), None)
        ]

    def signal(self, fact: AnyFact) -> None:
        """Tell a fact."""
        finish(getattr(self.story, fact.kind)(fact))

    def update(self, command: AnyCommand, now: datetime) -> None:
        """Ask something; it may be refused at once."""
        WORKFLOW.enter(self, now)
        try:
            self.story._check(command)  # noqa: SLF001 # what every validator calls
        except ApplicationError:
            return
        handler = getattr(self.story, command.kind)(command)
        # Heard in the order asked, as signals are; the story wakes afterwards.
        self._routines.append((handler, None))
        self._step(handler, timed_out=False)

    @property
    def handlers(self) -> int:
        """How many updates wait for their answer."""
        return len(self._routines) - 1

    @property
    def wakes_at(self) -> datetime | None:
        """The first end of patience."""
        ends = [w.deadline for _, w in self._routines if w and w.deadline]
        return min(ends, default=None)

    def go_on(self, now: datetime) -> None:
        """Run until every part of the story waits.

        Raises ContinueAsNewError when the run hands over to the next one.
        """
        WORKFLOW.enter(self, now)
        moved = True
        while moved and self.result is None:
            moved = False
            # As the SDK does: what is asked is heard before the timers.
            for routine, wait in reversed(self._routines.copy()):
                if wait is None or wait.condition():
                    moved |= self._step(routine, timed_out=False)
                elif wait.deadline is not None and wait.deadline <= now:
                    moved |= self._step(routine, timed_out=True)

    def _step(self, routine: Coroutine[Any, Any, Any], *, timed_out: bool) -> bool:
        at = next(n for n, (r, _) in enumerate(self._routines) if r is routine)
        try:
            wait = routine.throw(TimeoutError()) if timed_out else routine.send(None)
        except StopIteration as end:
            del self._routines[at]
            if at == 0:
                self.result = str(end.value)
            return True
        except ApplicationError:
            del self._routines[at]  # an update refused when it was carried out
            return True
        self._routines[at] = (routine, wait)
        return True

    def effect(self, name: str, given: object) -> object:
        """Have the world touched."""
        return self._effects(name, given)


class StandIn:
    """The module `workflow`, as the stories call it."""

    logger = logging.getLogger(__name__)

    def __init__(self) -> None:
        self._run: Run | None = None
        self._now: datetime | None = None

    def enter(self, run: Run, now: datetime) -> None:
        """Speak for *run* from here on."""
        self._run, self._now = run, now

    @property
    def run(self) -> Run:
        """Whose turn it is."""
        assert self._run is not None
        return self._run

    def now(self) -> datetime:
        """The story's instant."""
        assert self._now is not None
        return self._now

    def info(self) -> _Info:
        """What the run knows of itself."""
        return _Info(self.run)

    def upsert_search_attributes(self, updates: list[Any]) -> None:
        """Keep what the lists show."""
        self.run.attributes |= {update.key: update.value for update in updates}

    def set_current_details(self, _: str) -> None:
        """Nobody reads it here."""

    def all_handlers_finished(self) -> bool:
        """Whether no update waits for its answer."""
        return self.run.handlers == 0

    async def wait_condition(
        self,
        condition: Callable[[], bool],
        *,
        timeout: timedelta | None = None,  # noqa: ASYNC109 # the name is Temporal's
        timeout_summary: str | None = None,  # nobody reads it here
    ) -> None:
        """Wait for a condition, or raise TimeoutError."""
        if condition():
            return
        self.run.turns += timeout_summary is not None
        await _waiting(
            Wait(condition, None if timeout is None else self.now() + timeout)
        )

    async def execute_activity(self, effect: Any, given: object, **_: object) -> object:
        """Touch the world, and wait for its answer."""
        run, now = self.run, self.now()
        answer = run.effect(effect.__name__, given)
        self.enter(run, now)
        return answer

    execute_local_activity = execute_activity

    def start_activity(self, _: Any, order: LetterOrder, **__: object) -> Sending:
        """Send a letter beside the story."""
        sending = Sending(order)
        self.run.sendings.append(sending)
        return sending

    def continue_as_new(self, start: Start, **_: object) -> NoReturn:
        """End this run."""
        raise ContinueAsNewError(start)


def finish(routine: Coroutine[Any, Any, Any]) -> None:
    """Run a signal handler: it only records, and never waits."""
    try:
        routine.send(None)
    except StopIteration:
        return
    raise AssertionError("a signal handler waits")


WORKFLOW = StandIn()
ACTIVITY_ERRORS = (ActivityError, CancelledError)


def install() -> None:
    """Put the stand-in in the place of Temporal, in this process.

    Pure functions asked the same thing again and again are remembered: no answer
    changes, and ten times as many lives are lived.
    """
    for module in (renewal, doors, postbox, shown):
        _put(module, "workflow", WORKFLOW)
    _remember(agenda, "at_local", agenda, "start_of", agenda, "spread")
    of_one = _remembered_for_one(agenda.agenda)
    for module in (renewal, doors, consequences):
        _put(module, "agenda", of_one)
    too_long = _remembered_for_one(standing.unlinked_too_long_since)
    for module in (standing, agenda):
        _put(module, "unlinked_too_long_since", too_long)


def _put(module: ModuleType, name: str, other: object) -> None:
    setattr(module, name, other)


def _remember(*functions: ModuleType | str) -> None:
    places = iter(functions)
    for module, name in zip(places, places, strict=True):
        assert isinstance(module, ModuleType)
        assert isinstance(name, str)
        _put(module, name, lru_cache(10_000)(getattr(module, name)))


def _remembered_for_one(
    answer: Callable[[Dossier, Policy], T],
) -> Callable[[Dossier, Policy], T]:
    """Remember the last answer: a turn asks about one dossier again and again."""
    last: tuple[Dossier, Policy, T] | None = None

    def remembered(dossier: Dossier, policy: Policy) -> T:
        nonlocal last
        if last is None or last[0] is not dossier or last[1] is not policy:
            last = (dossier, policy, answer(dossier, policy))
        return last[2]

    return remembered
