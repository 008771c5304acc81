"""Somebody who listens over HTTP on a port of this machine, and keeps what came."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

LIMIT_S = 10.0


@dataclass(frozen=True)
class Received:
    """One request: its names of headers in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Heard:
    """What came in; *answers* are the statuses of the next answers, then 200."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    body_for: Callable[[Received], tuple[int, bytes]] | None = None

    async def until(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(LIMIT_S):
            while len(self.requests) < count:
                self.came.clear()
                await self.came.wait()

    def answer(self, received: Received) -> tuple[int, bytes]:
        self.requests.append(received)
        self.came.set()
        if self.body_for is not None:
            return self.body_for(received)
        return (self.answers.pop(0) if self.answers else 200), b"{}"


@asynccontextmanager
async def listening() -> AsyncIterator[Heard]:
    """Listen until the test ends."""
    heard = Heard()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, body = heard.answer(await _read(reader))
        head = f"HTTP/1.1 {status} .\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        heard.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield heard


async def _read(reader: asyncio.StreamReader) -> Received:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = lines[0].split(" ")
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, body)
