"""Many dossiers due at one instant, against as many bare timers with one activity.

One real server in one run, in turns: reminders (a letter each), échéances (a record, a
letter and a new run each), bare timers. The effects do nothing; how fast mail is paced
is not measured here. ECHEANCE_BENCH_BURST says how many (5,000 in the long run).

All of a burst have one due instant, laid before the first of them starts: how long one
start takes is measured on SAMPLE others. None is counted if one was still awake then.
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeVar
from unittest.mock import patch

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

from benchmarks.bare import OneTimerWorkflow
from benchmarks.servers import a_server
from rules import civil_time
from rules.numbers import DossierNumber
from tests.dossiers import a_holder, a_policy
from tests.workflows.world import World
from worker import STORIES
from workflows.effects import MAIL, RENEWALS
from workflows.messages import LetterOrder, Posted
from workflows.renewal import RenewalWorkflow

DUE = int(os.environ.get("ECHEANCE_BENCH_BURST", "300"))
AT_ONCE = 50
SAMPLE = 100
_MARGIN = 1.3
"""How much longer the start of one may take among all than it took in the sample."""
Rows = AsyncIterator[tuple[str, str, str]]
Stories = list[WorkflowHandle[RenewalWorkflow, str]]
BareStories = list[WorkflowHandle[OneTimerWorkflow, None]]
T = TypeVar("T")
S = TypeVar("S")


@dataclass
class Clocked(World):
    """Notes when each letter was taken in hand."""

    taken: dict[str, list[float]] = field(default_factory=dict)

    @property
    def letters(self) -> int:
        """How many letters were taken in hand so far."""
        return sum(len(each) for each in self.taken.values())

    @activity.defn
    async def send_letter(self, order: LetterOrder) -> Posted:
        self.taken.setdefault(order.notice, []).append(time.time())
        return Posted.ACCEPTED


class Fired:
    """Notes when each bare timer's activity ran."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    @activity.defn
    async def fired(self) -> None:
        """Do nothing else."""
        self.taken.append(time.time())


async def burst() -> Rows:
    """Let three bursts come, one after the other, and compare them."""
    async with a_server("bench-burst", in_memory=True) as server:
        client = server.client
        reminders = await _ours(client, "reminder_30", 9, days_to_echeance=31)
        bare = await _bare(client)
        expiries = await _ours(client, "expired", 0, days_to_echeance=0)
    for what, found, aim in (
        ("reminders", reminders, "1.5"),
        ("échéances", expiries, ""),
    ):
        ratio = _whole(found) / _whole(bare)
        yield f"{DUE} {what} at one instant, whole burst to bare", f"{ratio:.2f}", aim
        yield "their lateness, p50 and p99; letters a second", _told(found), ""
    yield f"{DUE} bare timers: lateness; activities a second", _told(bare), ""


def _whole(late: list[float]) -> float:
    return max(late)


def _told(late: list[float]) -> str:
    p50, p99 = statistics.median(late), statistics.quantiles(late, n=100)[98]
    return f"{p50:.1f} s, {p99:.1f} s; {len(late) / _whole(late):.0f}"


async def _ours(
    client: Client, notice: str, hour: int, *, days_to_echeance: int
) -> list[float]:
    world = Clocked(
        a_policy(letters_spread_minutes=0), lambda: datetime.now(UTC), client=client
    )
    kind = 1 + days_to_echeance % 7

    async def asleep(day: date, numbers: range, letters: int = 0) -> Stories:
        """Start dossiers; come back once they and their first letters rest."""
        echeance = day + timedelta(days=days_to_echeance)
        handles = await _each(
            lambda n: world.begin(
                a_holder(echeance, number=DossierNumber(f"CAR2024{kind}{n:07d}"))
            ),
            list(numbers),
        )
        await _until(lambda: world.letters >= letters)
        await _each(_rests, handles[-SAMPLE:])
        return handles

    async with _at_work(client, world):
        begun = time.time()
        in_an_hour = datetime.fromtimestamp(int(begun) + 3600, UTC)
        with _local_hour(hour, in_an_hour) as day:
            sample = await asleep(day, range(DUE, DUE + SAMPLE))
            at = datetime.fromtimestamp(_in_time_for_all(begun), UTC)
            await _each(lambda story: story.terminate(), sample)
        letters_each = world.letters // SAMPLE
        world.taken.clear()
        with _local_hour(hour, at) as day:
            handles = await asleep(day, range(DUE), letters_each * DUE)
            _check_in_time(at.timestamp())
            await _until(lambda: len(world.taken.get(notice, [])) == DUE)
            await _each(lambda story: story.terminate(), handles)
    return [taken - at.timestamp() for taken in world.taken[notice]]


@asynccontextmanager
async def _at_work(client: Client, world: Clocked) -> AsyncIterator[None]:
    stories = Worker(
        client,
        task_queue=RENEWALS,
        workflows=[RenewalWorkflow],
        activities=world.effects(),
        max_cached_workflows=2 * DUE + SAMPLE,
        workflow_runner=STORIES,
    )
    post = Worker(client, task_queue=MAIL, activities=[world.send_letter])
    async with stories, post:
        yield


async def _rests(story: WorkflowHandle[RenewalWorkflow, str]) -> None:
    for _ in range(20 * 60):
        if not (await _asked(story.query, RenewalWorkflow.state)).letters_on_their_way:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


async def _asked(query: Callable[[S], Awaitable[T]], what: S) -> T:
    """Ask a story that has perhaps not begun: a full queue outlasts one call."""
    for _ in range(30):
        with suppress(RPCError):
            return await query(what)
    raise TimeoutError


async def _bare(client: Client) -> list[float]:
    fired = Fired()
    worker = Worker(
        client,
        task_queue="bare-burst",
        workflows=[OneTimerWorkflow],
        activities=[fired.fired],
        max_cached_workflows=2 * DUE + SAMPLE,
        workflow_runner=STORIES,
    )

    async def asleep(at: float, numbers: range) -> BareStories:
        handles = await _each(
            lambda n: client.start_workflow(
                OneTimerWorkflow.run, at, id=f"timer-{n}", task_queue="bare-burst"
            ),
            list(numbers),
        )
        last = handles[-SAMPLE:]
        await _each(lambda story: _asked(story.query, OneTimerWorkflow.sleeps), last)
        return handles

    async with worker:
        begun = time.time()
        sample = await asleep(begun + 3600, range(DUE, DUE + SAMPLE))
        at = float(_in_time_for_all(begun))
        await _each(lambda story: story.terminate(), sample)
        await asleep(at, range(DUE))
        _check_in_time(at)
        await _until(lambda: len(fired.taken) == DUE)
    return [taken - at for taken in fired.taken]


def _in_time_for_all(begun: float) -> int:
    """Name the second at which all will be asleep, as a sample is that began then."""
    now = time.time()
    return int(now + 10 + _MARGIN * DUE * (now - begun) / SAMPLE)


def _check_in_time(at: float) -> None:
    if time.time() >= at:
        raise RuntimeError("the dossiers were not all asleep when the instant came")


@contextmanager
def _local_hour(hour: int, at: datetime) -> Iterator[date]:
    """Let the rules live in a zone where *at* is this hour; the day there."""
    offset = timedelta(hours=hour) - (at - at.replace(hour=0, minute=0, second=0))
    if offset <= timedelta(hours=-12):
        offset += timedelta(days=1)
    zone = timezone(offset)
    with patch.object(civil_time, "ZONE", zone):
        yield at.astimezone(zone).date()


async def _each(act: Callable[[T], Awaitable[S]], each: list[T]) -> list[S]:
    done: list[S] = []
    for first in range(0, len(each), AT_ONCE):
        group = each[first : first + AT_ONCE]
        done += await asyncio.gather(*(act(one) for one in group))
    return done


async def _until(reached: Callable[[], bool]) -> None:
    for _ in range(20 * (120 + DUE)):
        if reached():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError
