"""The log of a scripted relay, over HTTP: 200 for a Message-ID it took, 404 if not."""

import asyncio
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote

from tests.letters.relay import ScriptedRelay


@dataclass
class RelayLog:
    """Serve what *relay* has kept on a free loopback port, at `url`."""

    relay: ScriptedRelay
    url: str = ""
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/log"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked = unquote(request.split(" ")[1]).removeprefix("/log/").encode()
        found = any(asked in taken.data for taken in self.relay.taken)
        status = "200 OK" if found else "404 Not Found"
        headers = "Content-Length: 0\r\nConnection: close"
        writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode())
        await writer.drain()
        writer.close()
