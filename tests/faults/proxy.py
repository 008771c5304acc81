"""A wire that fails as it is told, between the product and what it talks to."""

import asyncio
from dataclasses import dataclass, field
from typing import Self

from proof.listening import LOOPBACK, Listener

_AT_ONCE = 65536


@dataclass
class Proxy:
    """
    Pass bytes between a free loopback port and *target*, unless told otherwise.

    *cut_after* closes each connection once so many bytes were passed to the target.
    *drop_at* closes it when these bytes come, before they are passed; *swallow_at*
    passes them, reads the answer, and closes without passing that on. *delay_s* is
    waited before each piece; *is_dumb* passes nothing at all. A fault of one kind
    happens *times* times, then the wire is sound.
    """

    target: int
    cut_after: int | None = None
    drop_at: bytes | None = None
    swallow_at: bytes | None = None
    delay_s: float = 0.0
    is_dumb: bool = False
    resets: bool = False
    times: int = 1
    port: int = 0
    faults: int = 0
    _listener: Listener | None = None
    _swallowing: bool = False
    _kept_back: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._listener = Listener(self._talk)
        self.port = await self._listener.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        await self._listener.close()

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, to = await asyncio.open_connection(LOOPBACK, self.target)
        self._kept_back.clear()
        ways = (
            asyncio.ensure_future(self._forth(reader, to)),
            asyncio.ensure_future(self._back(there, writer)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            if self.resets:
                writer.transport.abort()
            writer.close()
            to.close()

    async def _forth(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter
    ) -> None:
        passed = 0
        while piece := await reader.read(_AT_ONCE):
            await self._hold()
            if self._meets(self.drop_at, piece):
                return
            self._swallowing = self._meets(self.swallow_at, piece)
            room = None if self.cut_after is None else self.cut_after - passed
            cuts = room is not None and len(piece) >= room and self.faults < self.times
            to.write(piece[:room] if cuts else piece)
            await to.drain()
            passed += len(piece)
            if self._swallowing:
                await self._kept_back.wait()
                return
            if cuts:
                self.faults += 1
                return

    def _meets(self, words: bytes | None, piece: bytes) -> bool:
        if words is None or words not in piece or self.faults >= self.times:
            return False
        self.faults += 1
        return True

    async def _back(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while piece := await there.read(_AT_ONCE):
            await self._hold()
            if self._swallowing:
                self._swallowing = False
                self._kept_back.set()
                await asyncio.Event().wait()
            writer.write(piece)
            await writer.drain()

    async def _hold(self) -> None:
        if self.is_dumb:
            await asyncio.Event().wait()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
