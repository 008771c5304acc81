"""Everything of the compose file as processes: started in order, killed, ended."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

import httpx2

from cluster.compose import tries_of
from cluster.database import Database
from cluster.installation import Installation
from cluster.temporal import NODES
from embedded.processes import Program, Running, last_lines, start

PATIENCE_S = 120.0
_PAUSE_S = 0.1
_LONGEST_LINE = 400
_MOST_STARTS = 6


class PartError(RuntimeError):
    """A process did not start, or ended by itself; the text says what it wrote."""


@dataclass
class Cluster(Installation):
    """One production installation in a folder of its own, emptied at its start.

    An async context manager; use it from the main thread: the processes are tied to
    it and end with it. Raises PartError or DatabaseError on entering.
    """

    _running: dict[str, Running] = field(default_factory=dict)
    _down: set[str] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        try:
            self.lay_out()
            await self._start_all()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --------------------------------------------------------------------- started

    async def _start_all(self) -> None:
        for database in (self.records, self.server.database):
            database.prepare()
            self.programs[database.service] = database.program()
            await self.start(database.service)
            database.create_database()
        await self.run("temporal-schema", self._schema())
        servers = self.server.programs()
        self.programs |= servers
        for name in servers:
            await self.start(name, waits=False)
        for name in servers:
            await self.wait_ready(name)
        await self.run("temporal-namespace", self.server.namespace())
        self.name_ours()
        for name in ("inbox", "sign_in", "cards"):
            await self.start(name)
        await self.run("migrate", self.ours("migrate", "cli.py", "db", "upgrade"))
        ours = ("worker-1", "worker-2", "api-1", "api-2", "intake")
        for name in ours:
            await self.start(name, waits=False)
        for name in ours:
            await self.wait_ready(name)

    def _schema(self) -> Program:
        file = self.folder / "secrets" / "temporal_postgres_password"
        return self.server.schema(file)

    async def run(self, name: str, program: Program) -> None:
        """Run a service to its end, as often as the compose file says if it fails.

        Raises PartError if it fails each time.
        """
        began = time.monotonic()
        for left in reversed(range(tries_of(name))):
            running = self._running[name] = start(program, self.log(name))
            while (code := running.poll()) is None:
                await asyncio.sleep(_PAUSE_S)
            del self._running[name]
            if code == 0:
                self.says(f"{name}: done in {time.monotonic() - began:.1f} s")
                return
            if not left:
                words = self._last_words(name)
                raise PartError(f"{name} ended with {code}:\n{words}")
            self.says(f"{name}: ended with {code}, started again")

    async def start(self, name: str, *, waits: bool = True) -> None:
        """Start a process, and wait until it is ready."""
        self.mark(name).unlink(missing_ok=True)
        self._down.discard(name)
        self._running[name] = start(self.programs[name], self.log(name))
        if waits:
            await self.wait_ready(name)

    async def wait_ready(self, name: str) -> None:
        """Wait until a process serves; raises PartError if it ended or is too slow.

        One that ended at once is started again, as the compose file says: all of
        Temporal's processes write one row at their start, and who comes second ends.
        """
        limit, probe = time.monotonic() + PATIENCE_S, self._probe(name)
        starts = 1
        while not await probe():
            ended = self._running[name].poll() is not None
            if ended and starts < _MOST_STARTS:
                starts += 1
                self.says(f"{name}: ended, started again")
                self._running[name] = start(self.programs[name], self.log(name))
            elif ended or time.monotonic() > limit:
                why = "ended" if ended else "is not ready"
                raise PartError(f"{name} {why}:\n{self._last_words(name)}")
            await asyncio.sleep(_PAUSE_S)
        self.says(f"{name}: ready")

    def _last_words(self, name: str) -> str:
        lines = last_lines(self.log(name)).splitlines()
        return "\n".join(line[:_LONGEST_LINE] for line in lines)

    def _probe(self, name: str) -> Callable[[], Awaitable[bool]]:
        if name in {"postgres", "temporal-postgres"}:
            return lambda: asyncio.to_thread(self.database(name).is_ready)
        if name.startswith("temporal-"):
            _, role, number = name.split("-")
            port = self.server.ports[role][0]
            return lambda: _listens(NODES[int(number) - 1], port)
        if name.startswith("api-"):
            return lambda: _answers(f"{self.address(name)}/readyz")
        if name in self.ports:
            return lambda: _answers(f"{self.address(name)}/livez")

        async def marked() -> bool:
            return self.mark(name).exists()

        return marked

    # ---------------------------------------------------------------- killed, ended

    def kill(self, name: str) -> None:
        """Kill a process with SIGKILL; it stays dead until it is started again."""
        self._down.add(name)
        self._running[name].signal(signal.SIGKILL)
        self._running[name].wait(PATIENCE_S)

    def pid(self, name: str) -> int:
        """Return the process."""
        return self._running[name].pid

    def dead(self) -> list[str]:
        """Name the processes that ended by themselves."""
        return [
            name
            for name, running in self._running.items()
            if name not in self._down and running.poll() is not None
        ]

    def database(self, service: str) -> Database:
        """Give one of the two databases."""
        return self.records if service == "postgres" else self.server.database

    async def restart_the_dead(self) -> None:
        """Start again whatever ended by itself, as `restart: unless-stopped` does."""
        for name in self.dead():
            self.says(f"{name} ended by itself, and is started again")
            await self.start(name)

    def ended_by_us(self, name: str) -> None:
        """Note that a process was ended in another way than by `kill`."""
        self._down.add(name)
        self._running[name].wait(PATIENCE_S)

    async def stop(self) -> None:
        """End everything: what stands on Temporal, Temporal, the databases."""
        foundations = [name for name in self._running if "postgres" in name]
        servers = [name for name in self._running if name.startswith("temporal-")]
        servers = [name for name in servers if name not in foundations]
        ours = [n for n in self._running if n not in servers and n not in foundations]
        for names in (ours, servers, foundations):
            stops = (asyncio.to_thread(self._running[name].stop) for name in names)
            await asyncio.gather(*stops)
        self._running.clear()


async def _listens(address: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    writer.close()
    return True


async def _answers(url: str) -> bool:
    try:
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
            return (await http.get(url)).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False
