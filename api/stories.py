"""How the doors ask a dossier's story: what it shows, and what it is asked to do."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from api.errors import Refused, StoryAway
from engine import begin, start_terms, story_of
from rules.numbers import DossierNumber
from workflows.messages import (
    AnyCommand,
    DutyView,
    Explanation,
    Refusal,
    Start,
    StateView,
)
from workflows.renewal import RenewalWorkflow

log = logging.getLogger(__name__)

QUERY_LIMIT = timedelta(seconds=2)
"""The longest a page waits for the story; then it shows what was last kept."""

COMMAND_LIMIT = timedelta(seconds=5)
"""The longest a command waits for its answer."""

BEGIN_LIMIT = timedelta(seconds=3)
"""The longest an answer waits for a story to begin."""

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Stories:
    """The stories of all dossiers, behind one Temporal client."""

    client: Client

    async def state(self, number: DossierNumber) -> StateView | None:
        """Ask where a dossier stands; None when its story does not answer."""
        return await self._shown(number, lambda story: story.query(_STATE))

    async def agenda(self, number: DossierNumber) -> list[DutyView] | None:
        """Ask what happens next; None when the story does not answer."""
        return await self._shown(number, lambda story: story.query(_AGENDA))

    async def explanation(self, number: DossierNumber) -> Explanation | None:
        """Ask for each condition of the present answer; None without one."""
        return await self._shown(number, lambda story: story.query(_EXPLAIN))

    async def carry_out(
        self, number: DossierNumber, command: AnyCommand, *, key: str
    ) -> StateView:
        """
        Have a command carried out and kept, starting the story if it does not run.

        The same *command_id* counts once. Raises Refused with the story's own code,
        StoryAway (with the caller's *key*) when no worker answers in time.
        """
        start = WithStartWorkflowOperation(
            RenewalWorkflow.run,
            Start(number=number),
            **start_terms(number),
        )
        try:
            async with _answering_within(COMMAND_LIMIT):
                view: StateView = await self.client.execute_update_with_start_workflow(
                    command.kind,
                    command,
                    start_workflow_operation=start,
                    id=command.command_id,
                    result_type=StateView,
                    rpc_timeout=COMMAND_LIMIT,
                )
                return view
        except WorkflowUpdateFailedError as failed:
            raise _refusal_in(failed) from failed
        except _Away as away:
            await _read_failure(start)
            log.warning("%s: no answer to %s: %s", number, command.kind, away)
            raise StoryAway(key) from away

    async def begin(self, number: DossierNumber) -> bool:
        """Start a story; False when Temporal is away: reconciliation starts it."""
        try:
            async with _answering_within(BEGIN_LIMIT):
                await begin(self.client, number)
        except _Away as away:
            log.warning("%s is open but its story has not begun: %s", number, away)
            return False
        return True

    async def _shown(
        self, number: DossierNumber, ask: Callable[["_Handle"], Awaitable[Shown]]
    ) -> Shown | None:
        story = story_of(self.client, number)
        try:
            async with _answering_within(QUERY_LIMIT):
                return await ask(story)
        except (_Away, WorkflowQueryFailedError, WorkflowQueryRejectedError) as away:
            log.info("%s shows nothing: %s", number, away)
            return None


_Handle = WorkflowHandle[RenewalWorkflow, str]
_STATE = RenewalWorkflow.state
_AGENDA = RenewalWorkflow.show_agenda
_EXPLAIN = RenewalWorkflow.show_conditions


class _Away(Exception):  # noqa: N818 - named as what is the matter
    """Temporal, or every worker, gives no answer in time."""


@asynccontextmanager
async def _answering_within(limit: timedelta) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(limit.total_seconds()):
            yield
    except (RPCError, TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as away:
        raise _Away(repr(away)) from away
    except RuntimeError as wrong:
        # A lazy client that cannot connect says so in no better way.
        if not str(wrong).startswith("Failed client connect"):
            raise
        raise _Away(str(wrong)) from wrong


async def _read_failure(start: WithStartWorkflowOperation[Any, Any]) -> None:
    """Read the failure that the SDK repeats beside the one it raises.

    Unread, it would be reported as lost once it is collected.
    """
    reading = asyncio.ensure_future(start.workflow_handle())
    done, _ = await asyncio.wait({reading}, timeout=0.1)
    if not done:
        reading.cancel()
    elif not reading.cancelled():
        reading.exception()


def _refusal_in(failed: WorkflowUpdateFailedError) -> Exception:
    """Name the story's refusal; what is none of its codes is our mistake."""
    cause: Any = failed.cause
    if isinstance(cause, ApplicationError) and cause.type in set(Refusal):
        return Refused(cause.type)
    return failed
