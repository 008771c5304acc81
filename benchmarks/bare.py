"""What a renewal costs at the least: alone in its module, which the sandbox reloads."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow


@dataclass(frozen=True)
class Shape:
    """What a term costs the server: the bare workflow does just as much."""

    timers: int
    activities: int
    local_activities: int


@activity.defn
async def nothing(_: str) -> None:
    """Do what the effects of the measured world do: nothing."""


@activity.defn
async def pay(workflow_id: str) -> None:
    """Play the person who pays."""
    story = activity.client().get_workflow_handle(workflow_id)
    await story.signal("paid")


@workflow.defn
class BareWorkflow:
    """The same timers, signals and activities, and no thought in between."""

    def __init__(self) -> None:
        self._paid = False

    @workflow.run
    async def run(self, shape: Shape) -> None:
        """Sleep, act, sleep; then hear one signal, and act."""
        soon = timedelta(seconds=10)
        for _ in range(shape.local_activities):
            await workflow.execute_local_activity(
                nothing, "", start_to_close_timeout=soon
            )
        before = shape.activities - 3
        for step in range(shape.timers - 1):
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._paid, timeout=timedelta(days=30)
                )
            last = step == shape.timers - 2
            for _ in range(before - shape.timers + 2 if last else 1):
                await workflow.execute_activity(
                    nothing, "", start_to_close_timeout=soon
                )
        await workflow.execute_local_activity(
            pay, workflow.info().workflow_id, start_to_close_timeout=soon
        )
        await workflow.wait_condition(lambda: self._paid, timeout=timedelta(days=30))
        await workflow.execute_activity(nothing, "", start_to_close_timeout=soon)
        await asyncio.gather(
            *(
                workflow.execute_activity(nothing, "", start_to_close_timeout=soon)
                for _ in range(2)
            )
        )

    @workflow.signal
    async def paid(self) -> None:
        """Hear the one signal."""
        self._paid = True


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
