"""What a renewal costs at the least: workflows that only sleep, hear and act."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow

_SOON = timedelta(seconds=10)


@dataclass(frozen=True)
class Shape:
    """What a life costs the server: the bare workflow does just as much."""

    timers: int
    activities: int
    local_activities: int


@activity.defn
async def nothing(_: str) -> None:
    """Do what the effects of the measured world do: nothing."""


@activity.defn
async def tell(what: str) -> None:
    """Play the person who pays, or closes the dossier."""
    info = activity.info()
    assert info.workflow_id is not None
    story = activity.client().get_workflow_handle(info.workflow_id)
    await story.signal(what)


@workflow.defn
class BareWorkflow:
    """The same timers, signals and activities, and no thought in between."""

    def __init__(self) -> None:
        self._heard: set[str] = set()

    @workflow.run
    async def run(self, shape: Shape) -> None:
        """Sleep, act, sleep; hear that it is paid, act; hear that it is over, act.

        Two timers are cut short, by the two signals. Of the activities two tell them,
        two thank for the payment at once, and two follow the end.
        """
        for _ in range(shape.local_activities):
            await workflow.execute_local_activity(
                nothing, "", start_to_close_timeout=_SOON
            )
        for _ in range(shape.timers - 2):
            await self._sleep_until("never")
            await _act()
        for _ in range(shape.activities - (shape.timers - 2) - 6):
            await _act()
        await asyncio.gather(_act("paid"), self._sleep_until("paid"))
        await _act()
        await asyncio.gather(_act(), _act("over"), self._sleep_until("over"))
        await _act()
        await _act()

    async def _sleep_until(self, heard: str) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: heard in self._heard, timeout=timedelta(days=30)
            )

    @workflow.signal
    async def paid(self) -> None:
        """Hear that it is paid."""
        self._heard.add("paid")

    @workflow.signal
    async def over(self) -> None:
        """Hear that it is over."""
        self._heard.add("over")


async def _act(tells: str | None = None) -> None:
    if tells is None:
        await workflow.execute_activity(nothing, "", start_to_close_timeout=_SOON)
    else:
        await workflow.execute_activity(tell, tells, start_to_close_timeout=_SOON)


@workflow.defn
class HearingWorkflow:
    """Hears one signal, and says so when asked."""

    def __init__(self) -> None:
        self._paid = False

    @workflow.run
    async def run(self) -> None:
        """Wait for longer than anybody measures."""
        await workflow.sleep(timedelta(days=30))

    @workflow.signal
    async def paid(self) -> None:
        """Hear the signal."""
        self._paid = True

    @workflow.query
    def is_paid(self) -> bool:
        """Answer whether it was heard."""
        return self._paid


@workflow.defn
class OneTimerWorkflow:
    """Sleeps until an instant, then does one activity that does nothing."""

    @workflow.run
    async def run(self, until: float) -> None:
        """Sleep until *until*, in seconds of the epoch."""
        await workflow.sleep(max(until - workflow.time(), 0))
        await workflow.execute_activity(
            "fired", start_to_close_timeout=timedelta(minutes=1)
        )

    @workflow.query
    def sleeps(self) -> bool:
        """Answer once it has begun."""
        return True
