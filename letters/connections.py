"""Letters go to the relay over a few connections, each kept open for the next one."""

import asyncio
import logging
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

from letters.answers import NOT_LET_IN, Outcome, Reply, deferred, trouble
from letters.plain import PLAIN_ADDRESS, one_line
from letters.smtp import (
    FAILURES,
    Ready,
    Relay,
    Stale,
    drop,
    goodbye,
    introduced,
    ready,
    transaction,
)

log = logging.getLogger(__name__)

_PROBE_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class _Connection:
    """An open connection; *retiring* is what ends it while it is idle."""

    client: aiosmtplib.SMTP
    letters: int = 0
    retiring: asyncio.TimerHandle | None = None


class Connections:
    """The connections of one process to one relay.

    Each is opened when a letter needs it, cleared (RSET) before the next letter, and
    closed when idle, after so many letters, at any doubt, and by `close`.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._free = asyncio.Semaphore(relay.connections)
        self._idle: list[_Connection] = []
        self._farewells: set[asyncio.Task[None]] = set()
        self._trouble: str | None = None

    async def hand_over(
        self,
        message: EmailMessage,
        *,
        sender: str,
        recipient: str,
        limit: float | None = None,
    ) -> Outcome:
        """Hand one message to the relay for one recipient, and say what became of it.

        Never raises for what a relay or a network does; ValueError for a sender that
        is no plain address. A code counts as a refusal of the letter only from MAIL
        on: a relay that turns us away before (greeting, EHLO, TLS, password) has not
        looked at it, so the letter is deferred. Given up after *limit* seconds.
        """
        if not PLAIN_ADDRESS.fullmatch(sender):
            raise ValueError(f"not an address to send from: {sender!r}")
        if not PLAIN_ADDRESS.fullmatch(recipient):
            return Outcome(Reply.REFUSED, None, f"no address: {one_line(recipient)}")
        letter = ready(message, sender=sender, recipient=recipient)
        try:
            async with asyncio.timeout(limit), self._free:
                return await self._over_some_connection(letter)
        except TimeoutError:
            state = Reply.UNKNOWN if letter.dot_written else Reply.DEFERRED
            return Outcome(state, None, "the relay was too slow")

    async def close(self) -> None:
        """Take leave of the relay; a letter that comes later opens a connection."""
        while self._idle:
            self._retire(self._idle[-1])
        await asyncio.gather(*self._farewells)

    async def _over_some_connection(self, letter: Ready) -> Outcome:
        while (kept := await self._take_kept()) is not None:
            try:
                return await self._over(kept, letter)
            except Stale:
                continue
        try:
            client = await introduced(self._relay, helo=letter.sender_domain)
        except FAILURES as error:
            self._tell(trouble(error))
            return deferred(error)
        return await self._over(_Connection(client), letter)

    async def _take_kept(self) -> _Connection | None:
        """Take the connection used last, cleared, if the relay still holds it."""
        while self._idle:
            connection = self._idle.pop()
            if connection.retiring is not None:
                connection.retiring.cancel()
            try:
                await connection.client.rset(timeout=_PROBE_SECONDS)
            except FAILURES:
                drop(connection.client)
            except BaseException:
                drop(connection.client)
                raise
            else:
                return connection
        return None

    async def _over(self, connection: _Connection, letter: Ready) -> Outcome:
        try:
            outcome = await transaction(
                connection.client,
                letter,
                self._relay,
                was_kept=connection.letters > 0,
            )
        except BaseException:
            drop(connection.client)
            raise
        connection.letters += 1
        self._keep_or_close(connection, outcome)
        if outcome.code == NOT_LET_IN:
            self._tell(f"it wants a password or TLS first ({NOT_LET_IN})")
        elif outcome.state is Reply.ACCEPTED:
            self._tell(None)
        return outcome

    def _keep_or_close(self, connection: _Connection, outcome: Outcome) -> None:
        if outcome.code is None:  # whoever fell silent is not waited for again
            drop(connection.client)
        elif (
            outcome.leaves_the_connection_clear
            and connection.letters < self._relay.letters_each
        ):
            connection.retiring = asyncio.get_running_loop().call_later(
                self._relay.kept_seconds, self._retire, connection
            )
            self._idle.append(connection)
        else:
            self._take_leave(connection)

    def _retire(self, connection: _Connection) -> None:
        if connection.retiring is not None:
            connection.retiring.cancel()
        self._idle.remove(connection)
        self._take_leave(connection)

    def _take_leave(self, connection: _Connection) -> None:
        """Say goodbye in the background: the letter's answer must not wait for it."""
        farewell = asyncio.get_running_loop().create_task(goodbye(connection.client))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    def _tell(self, trouble: str | None) -> None:
        """Tell the operator, once each, that the relay takes no letters or does again.

        The relay's own words stay in the database, as the letter's answer.
        """
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble is None:
            log.info("the relay takes our letters again")
        else:
            log.warning("the relay does not take our letters: %s", trouble)
