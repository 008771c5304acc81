"""A server on loopback whose conversations end with it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeAlias

LOOPBACK = "127.0.0.1"
Talk: TypeAlias = Callable[
    [asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]
]


@dataclass
class Listener:
    """Have *talk* meet each connection to *port*, a free one for 0."""

    talk: Talk
    port: int = 0
    _server: asyncio.Server | None = None
    _talks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._meet, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def close(self) -> None:
        """Listen no more, and end every conversation."""
        if self._server is not None:
            self._server.close()
        await self.hang_up()

    async def hang_up(self) -> None:
        """Close every connection, and go on listening."""
        for talk in self._talks:
            talk.cancel()
        await self.left_alone()

    async def left_alone(self) -> None:
        """Wait until nobody is connected any more."""
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _meet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        talk = asyncio.create_task(self.talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
