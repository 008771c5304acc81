"""A mail relay on a real socket that meets each letter as the history says.

It keeps what it took with the instant on the story's clock, and its log answers over
HTTP: 200 for a Message-ID it took, 404 for one it never saw.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self
from urllib.parse import unquote

from proof.histories import History
from proof.listening import Listener
from proof.seen import Mail

RETURNS_AFTER = timedelta(days=1)
_OWN_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.MULTILINE | re.IGNORECASE)

Now = Callable[[], Awaitable[datetime]]


class _HangUp(Exception):  # noqa: N818 - it is no error
    """This connection ends without a word."""


@dataclass
class Relay:
    """The relay of one life after another; *expect* names a letter before it comes."""

    now: Now | None = None
    port: int = 0
    log_port: int = 0
    history: History | None = None
    mailbox: list[Mail] = field(default_factory=list)
    comes_back: dict[str, datetime] = field(default_factory=dict)
    _keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    _meets: dict[str, list[str]] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _dead: set[str] = field(default_factory=set)
    _listeners: list[Listener] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        relay, log = Listener(self._talk), Listener(self._answer_for_the_log)
        self._listeners = [relay, log]
        self.port, self.log_port = await relay.open(), await log.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for listener in self._listeners:
            await listener.close()

    # ------------------------------------------------------------ what a life is told

    def begin(self, history: History, now: Now) -> None:
        """Forget the life before, and meet the letters of this one."""
        self.history, self.now = history, now
        self.mailbox, self.comes_back = [], {}
        self._keys, self._taken, self._dead = {}, set(), set()
        self._meets = {notice: list(x) for notice, x in history.mail.items()}

    def expect(self, message_id: str, key: str, notice: str) -> None:
        """Say which letter a Message-ID is."""
        self._keys[message_id] = (key, notice)

    def back_in(self, at: datetime) -> timedelta:
        """How long the relay stays away; nothing if it is up."""
        assert self.history is not None
        downs = self.history.relay_down
        return next((b - at for a, b in downs if a <= at < b), timedelta())

    def worker_dies(self, message_id: str, crashpoint: str) -> bool:
        """Whether the history has the worker die here, about this letter."""
        key, notice = self._keys[message_id]
        meets = self._meets.get(notice, [])
        if crashpoint == "after_claim" and meets[:1] == ["dies before"]:
            del meets[0]
            return True
        if crashpoint == "after_relay_answer" and key in self._dead:
            self._dead.remove(key)
            return True
        return False

    # ------------------------------------------------------------------------- SMTP

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        recipient = ""
        try:
            await self._say(writer, "220 relay.example ready")
            while line := (await reader.readline()).decode():
                verb = line[:4].upper()
                match verb:
                    case "RCPT":
                        recipient = line.partition("<")[2].partition(">")[0]
                    case "DATA":
                        await self._say(writer, "354 go on")
                        answer = await self._message(reader, recipient)
                        await self._say(writer, answer)
                        continue
                    case "QUIT":
                        await self._say(writer, "221 bye")
                        return
                await self._say(writer, "250 ok")
        except (_HangUp, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _say(self, writer: asyncio.StreamWriter, text: str) -> None:
        assert self.now is not None
        assert self.history is not None
        if self.history.relay_down and self.back_in(await self.now()):
            raise _HangUp
        writer.write(f"{text}\r\n".encode())
        await writer.drain()

    async def _message(self, reader: asyncio.StreamReader, recipient: str) -> str:
        raw = await reader.readuntil(b"\r\n.\r\n")
        found = _OWN_ID.search(raw)
        assert found, "a letter without a Message-ID"
        message_id = found[1].decode()
        key, notice = self._keys[message_id]
        meets = self._meets.get(notice)
        how = meets.pop(0) if meets else "250"
        if how in {"450", "550"}:
            return f"{how} {how[0]}.2.0 not this one"
        assert self.now is not None
        at = await self.now()
        self.mailbox.append(Mail(key, at, recipient.partition("@")[0]))
        self._taken.add(message_id)
        if how == "bounces":
            self.comes_back[key] = at + RETURNS_AFTER
        if how == "dies after":
            self._dead.add(key)
        if how == "lost":
            raise _HangUp
        return "250 2.0.0 taken"

    # ---------------------------------------------------------------------- the log

    async def _answer_for_the_log(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
        found = unquote(asked.rpartition("/")[2]) in self._taken
        status = "200 OK" if found else "404 Not Found"
        headers = "Content-Length: 0\r\nConnection: close"
        writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode())
        await writer.drain()
        writer.close()
