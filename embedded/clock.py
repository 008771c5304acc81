"""A dossier's clock, moved ahead by the server's own time skipping."""

from collections.abc import Iterable
from datetime import UTC, datetime

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper

from records.clock import set_ahead
from records.database import Sessions
from settings import Settings
from workflows.renewal import RenewalWorkflow


class NotEmbeddedError(RuntimeError):
    """A clock is only ever moved on the embedded stack."""


class DossierClocks:
    """Moves the clocks of dossiers; each has its own, and goes only forward."""

    def __init__(self, settings: Settings, client: Client, sessions: Sessions) -> None:
        """Raise NotEmbeddedError for any other stack than the embedded one."""
        if not settings.embedded:
            raise NotEmbeddedError("clocks are moved on the embedded stack only")
        self._skipper = TimeSkipper(client)
        self._client = client
        self._sessions = sessions

    async def now(self, number: str) -> datetime:
        """Read a dossier's own instant from the server."""
        return await self._skipper.get_current_time(self._story(number))

    async def advance(self, numbers: Iterable[str], to: datetime) -> None:
        """
        Move dossiers of one story together to the instant *to*.

        What falls due on the way is done on its way, letters included.
        """
        for number in numbers:
            ahead = to - await self.now(number)
            if ahead.total_seconds() <= 0:
                continue
            try:
                await self._skipper.fast_forward(self._story(number), ahead)
            except RPCError as away:
                if away.status is not RPCStatusCode.NOT_FOUND:
                    raise
                continue  # a closed dossier has no clock any more
            # Only now: said too early, the letters of the days between look useless.
            async with self._sessions.begin() as session:
                await set_ahead(session, number, to - datetime.now(UTC))

    def _story(self, number: str) -> WorkflowHandle[RenewalWorkflow, str]:
        return self._client.get_workflow_handle_for(RenewalWorkflow.run, number)
