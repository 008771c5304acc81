"""A dossier's clock, moved ahead by the server's own time skipping."""

from collections.abc import Iterable
from datetime import UTC, datetime

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper

from engine import story_of
from records.clock import set_ahead
from records.database import Sessions
from settings import Settings


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
        return await self._skipper.get_current_time(story_of(self._client, number))

    async def advance(self, numbers: Iterable[str], to: datetime) -> None:
        """
        Move dossiers of one story together to the instant *to*.

        What falls due on the way is done on its way, letters included.
        """
        for number in numbers:
            now = await self.now(number)
            # A dossier that is marked is believed, whatever its instant.
            await self._note(number, now)
            try:
                if to > now:
                    await self._skipper.fast_forward(
                        story_of(self._client, number), to - now
                    )
            except RPCError as away:
                if away.status is not RPCStatusCode.NOT_FOUND:
                    raise
                continue  # a closed dossier has no clock any more
            # Only now: said too early, the letters of the days between look useless.
            # And always: asked again after a failure, what was not noted is noted.
            await self._note(number, max(to, now))

    async def _note(self, number: str, at: datetime) -> None:
        """Let the database know what instant it is for a dossier."""
        async with self._sessions.begin() as session:
            await set_ahead(session, number, at - datetime.now(UTC))
