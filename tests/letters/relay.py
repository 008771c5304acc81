"""A relay that does as it is told: one script a letter, over a real socket."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from proof.listening import Listener

OK = "ok"
HANG = "hang"  # says nothing, keeps the connection
DROP = "drop"  # closes the connection without an answer
ACCEPT_THEN_DROP = "accept then drop"  # keeps the letter, closes without its 250
ACCEPT_THEN_HANG = "accept then hang"  # keeps the letter, never says so
OK_THEN_DROP = "ok then drop"  # answers, then closes
STALL = "stall"  # says 354, then reads no further
STALL_THEN_DROP = "stall then drop"  # says 354, reads a little, closes
GARBAGE = "garbage"

_READ_BEFORE_DROP = 1000
_GOOD = {
    "greet": "220 relay.example ready",
    "ehlo": "250 relay.example",
    "helo": "250 relay.example",
    "starttls": "220 go ahead",
    "rset": "250 2.0.0 cleared",
    "mail": "250 2.1.0 sender ok",
    "rcpt": "250 2.1.5 recipient ok",
    "data": "354 go on",
    "dot": "250 2.0.0 taken as 1",
}
_VERBS = {
    "EHLO": "ehlo",
    "HELO": "helo",
    "STARTTLS": "starttls",
    "RSET": "rset",
    "MAIL": "mail",
    "RCPT": "rcpt",
    "DATA": "data",
}


@dataclass(frozen=True)
class Script:
    """What one letter meets: a word above, or the reply to give ("450 later").

    The steps up to STARTTLS count on a new connection; *rset* comes after the letter.
    """

    greet: str = OK
    ehlo: str = OK
    helo: str = OK
    starttls: str = "502 not here"  # said "ok", no TLS follows
    mail: str = OK
    rcpt: str = OK
    data: str = OK
    dot: str = OK
    rset: str = OK
    extensions: tuple[str, ...] = ()


def a_script(step: str, what: str) -> Script:
    """Go well but for one step."""
    flaw: dict[str, Any] = {step: what}
    return Script(**flaw)


@dataclass(frozen=True)
class Taken:
    """A letter the relay has kept, dots unstuffed, from its n-th connection."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    connection: int


class _ConnectionEnds(Exception):  # noqa: N818  it is no error
    """The script closes this connection."""


@dataclass
class ScriptedRelay:
    """Serve on *port*, a free one for 0; the n-th letter meets the n-th script.

    A letter is a new connection, or a further MAIL on the same one. The last script
    serves every later letter. `taken` holds the letters kept, `commands` all that was
    said to the relay, line by line.
    """

    scripts: Sequence[Script] = (Script(),)
    port: int = 0
    connections: int = 0
    letters: int = 0
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    listener: Listener = field(init=False)

    async def __aenter__(self) -> Self:
        self.listener = Listener(self._talk, self.port)
        self.port = await self.listener.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.listener.close()

    def next_script(self) -> Script:
        """Say what the next letter meets."""
        self.letters += 1
        return self.scripts[min(self.letters, len(self.scripts)) - 1]

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        await _Talk(self, reader, writer).run()


class _Talk:
    """One connection, from greeting to goodbye."""

    def __init__(
        self,
        relay: ScriptedRelay,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.relay, self.script = relay, relay.next_script()
        self.number = relay.connections
        self.reader, self.writer = reader, writer
        self.sender, self.recipients = "", list[str]()

    async def run(self) -> None:
        try:
            await self._act("greet")
            while line := await self.reader.readline():
                await self._command(line.decode("utf-8", "replace").rstrip())
        except (_ConnectionEnds, ConnectionError):
            pass
        finally:
            self.writer.close()

    async def _command(self, line: str) -> None:
        self.relay.commands.append(line)
        verb = line.partition(" ")[0].upper()
        if verb == "QUIT":
            await self._say("221 bye")
            raise _ConnectionEnds
        if verb not in _VERBS:
            await self._say("502 not here")
            return
        if verb == "MAIL":
            if self.sender:
                self.script = self.relay.next_script()
            self.sender, self.recipients = _between_brackets(line), []
        if verb == "RCPT":
            self.recipients.append(_between_brackets(line))
        if await self._act(_VERBS[verb]) and verb == "DATA":
            await self._message()

    async def _message(self) -> None:
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise _ConnectionEnds
            lines.append(line.removeprefix(b"."))
        if self.script.dot in (OK, OK_THEN_DROP, ACCEPT_THEN_DROP, ACCEPT_THEN_HANG):
            self.relay.taken.append(
                Taken(self.sender, tuple(self.recipients), b"".join(lines), self.number)
            )
        await self._act("dot")

    async def _act(self, step: str) -> bool:
        """Do what the script says for *step*; True if the step went well."""
        what: str = getattr(self.script, step)
        match what:
            case "ok":
                await self._say(self._good(step))
            case "ok then drop":
                await self._say(self._good(step))
                raise _ConnectionEnds
            case "hang" | "accept then hang":
                await self._until_gone()
            case "drop" | "accept then drop":
                raise _ConnectionEnds
            case "stall":
                await self._say(self._good(step))
                await asyncio.Event().wait()
            case "stall then drop":
                await self._say(self._good(step))
                await self.reader.readexactly(_READ_BEFORE_DROP)
                self.writer.transport.abort()
                raise _ConnectionEnds
            case "garbage":
                await self._say("what is this?")
            case reply:
                await self._say(reply)
        return what == OK

    def _good(self, step: str) -> str:
        lines = [_GOOD[step]]
        if step == "ehlo":
            lines += [f"250 {extension}" for extension in self.script.extensions]
        return "\r\n".join([f"{x[:3]}-{x[4:]}" for x in lines[:-1]] + lines[-1:])

    async def _say(self, text: str) -> None:
        self.writer.write(f"{text}\r\n".encode("utf-8", "surrogateescape"))
        await self.writer.drain()

    async def _until_gone(self) -> None:
        while await self.reader.read(65536):
            pass
        raise _ConnectionEnds


def _between_brackets(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
