"""A whole Échéance on one machine: started in order, watched, stopped."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from embedded.keys import keep_database_url, make_keys, read_key
from embedded.parts import (
    PARTS,
    SERVICES,
    Part,
    cluster_of,
    make_parts,
    process_environment,
    python,
    stack_environment,
)
from embedded.places import CHECKOUT, make_data_dir
from embedded.ports import PortError, Ports
from embedded.postgres import PostgresError
from embedded.processes import Program, Running, last_lines, start
from embedded.record import erase_record, held, write_record
from embedded.sentences import sentence
from settings import Settings, settings_from

_PAUSE_S = 0.05
_WATCH_S = 0.2
_LONGEST_BACKOFF_S = 10.0
_MIGRATIONS_PATIENCE_S = 60.0
_RECENT_S = 60.0


class PartError(RuntimeError):
    """A part did not start; the text says which, why and its last log lines."""


def _silent(_line: str) -> None:
    """Say nothing: the stack of a test."""


START_TROUBLES = (PartError, PortError, PostgresError)
"""What can go wrong while a stack starts; the text of each is for the person."""


class EmbeddedStack:
    """The parts of one data folder, as an async context manager.

    A part that dies is started again; `wait_ready` waits for that. Raises PartError,
    PortError, AlreadyRunning or PostgresError on entering. Use it from the main
    thread: the parts are tied to the thread that starts them.
    """

    def __init__(
        self,
        data_dir: Path,
        ports: Ports | None = None,
        parts: Iterable[str] = PARTS,
        *,
        says: Callable[[str], None] = _silent,
    ) -> None:
        """Choose a data folder, ports and parts; `says` gets each line for people."""
        wanted = frozenset(parts)
        if unknown := wanted - set(PARTS):
            raise ValueError(f"no such part: {', '.join(sorted(unknown))}")
        self.data_dir = make_data_dir(data_dir)
        self.ports = ports or Ports()
        self.names = tuple(name for name in PARTS if name in wanted)
        self.environment: dict[str, str] = {}
        self._says = says
        self._stack_environment = stack_environment(self.data_dir, self.ports)
        self._parts: dict[str, Part] = {}
        self._running: dict[str, Running] = {}
        self._ready = {name: asyncio.Event() for name in self.names}
        self._deaths: dict[str, list[float]] = {}
        self._mending: dict[str, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._held = ExitStack()

    async def __aenter__(self) -> Self:
        self._held.enter_context(held(self.data_dir))
        try:
            await self._start_all()
        except BaseException:
            await self._stop_all()
            raise
        self._watch = asyncio.create_task(self._watch_all())
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._stop_all()

    @property
    def settings(self) -> Settings:
        """The settings that reach this stack."""
        secrets = {
            name.upper(): read_key(self.data_dir, name)
            for name in (
                "echeance_database_url",
                "echeance_mail_key",
                "echeance_payment_webhook_secret",
            )
        }
        return settings_from(self._stack_environment | secrets)

    def pid(self, part: str) -> int:
        """Return the process of a part that runs."""
        return self._running[part].pid

    def kill(self, part: str) -> None:
        """Kill a part with SIGKILL; it is started again."""
        self._ready[part].clear()
        self._running[part].signal(signal.SIGKILL)

    async def wait_ready(self, part: str, patience_s: float = 60.0) -> None:
        """Wait until a part is ready; raises TimeoutError after *patience_s*."""
        async with asyncio.timeout(patience_s):
            await self._ready[part].wait()

    def log(self, part: str) -> Path:
        """Return the file of a part's output."""
        return self.data_dir / "logs" / f"{part}.log"

    def kill_all(self) -> None:
        """End every part at once."""
        for running in self._running.values():
            running.kill()

    async def _start_all(self) -> None:
        make_keys(self.data_dir)
        (self.data_dir / "ready").mkdir(exist_ok=True)
        (self.data_dir / "logs").mkdir(mode=0o700, exist_ok=True)
        self.environment = process_environment(self._stack_environment)
        cluster = cluster_of(self.data_dir, self.ports)
        keep_database_url(self.data_dir, cluster.url())
        self._parts = make_parts(self.data_dir, self.ports, self.environment, cluster)
        services = [name for name in self.names if name in SERVICES]
        # The foundations side by side, then what stands on them.
        await _all(
            *(
                self._start_postgres() if name == "postgres" else self._start(name)
                for name in self.names
                if name not in SERVICES
            )
        )
        await _all(*(self._start(name) for name in services))
        self._record()

    async def _start_postgres(self) -> None:
        cluster = cluster_of(self.data_dir, self.ports)
        await asyncio.to_thread(cluster.prepare)
        await self._start("postgres")
        await asyncio.to_thread(cluster.create_database)
        if SERVICES & set(self.names):
            await self._migrate()

    async def _migrate(self) -> None:
        command = python("cli.py", "db", "upgrade")
        log = self.data_dir / "logs" / "migrations.log"
        began = time.monotonic()
        running = start(Program(command, self.environment, CHECKOUT), log)
        self._running["migrations"] = running
        while (code := running.poll()) is None:
            if time.monotonic() - began > _MIGRATIONS_PATIENCE_S:
                running.kill()
            await asyncio.sleep(_PAUSE_S)
        del self._running["migrations"]
        if code:
            raise PartError(self._failure("migrations", _how(code)))
        self._say_ready("migrations", began)

    async def _start(self, name: str) -> None:
        part, began = self._parts[name], time.monotonic()
        running = self._running[name] = part.start()
        while not await part.is_ready():
            if (code := running.poll()) is not None:
                raise PartError(self._failure(name, _how(code)))
            if (waited := time.monotonic() - began) > part.patience_s:
                raise PartError(
                    self._failure(name, sentence("why.slow", seconds=waited))
                )
            await asyncio.sleep(_PAUSE_S)
        self._ready[name].set()
        self._say_ready(name, began)

    async def _watch_all(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            for name, running in list(self._running.items()):
                code = running.poll()
                task = self._mending.get(name)
                if code is not None and (task is None or task.done()):
                    self._ready[name].clear()
                    self._mending[name] = asyncio.create_task(self._mend(name, code))

    async def _mend(self, name: str, code: int) -> None:
        """Start a dead part again, ever less eagerly, until it is ready."""
        key = "restarted"
        while True:
            await asyncio.sleep(self._backoff(name))
            self._says(sentence(key, part=_called(name), how=_how(code)))
            try:
                await self._start(name)
            except (PartError, PortError):
                code, key = self._running[name].poll() or 0, "died"
                self._running[name].kill()
                continue
            self._record()
            return

    def _backoff(self, name: str) -> float:
        now = time.monotonic()
        recent = [at for at in self._deaths.get(name, []) if now - at < _RECENT_S]
        self._deaths[name] = [*recent, now]
        return min(_LONGEST_BACKOFF_S, 0.2 * 2.0 ** len(recent))

    async def _stop_all(self) -> None:
        tasks = [task for task in (self._watch, *self._mending.values()) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        foundations = [name for name in PARTS if name not in SERVICES]
        await self._stop([name for name in self._running if name not in foundations])
        for name in reversed(foundations):
            await self._stop([name])
        erase_record(self.data_dir)
        self._held.close()

    async def _stop(self, names: Iterable[str]) -> None:
        running = [self._running[name] for name in names if name in self._running]
        await asyncio.gather(*(asyncio.to_thread(each.stop) for each in running))
        for event in (self._ready[name] for name in names if name in self._ready):
            event.clear()

    def _record(self) -> None:
        write_record(
            self.data_dir,
            ports=self.ports.as_dict(),
            parts={name: running.pid for name, running in self._running.items()},
            environment=self._stack_environment,
        )

    def _say_ready(self, name: str, began: float) -> None:
        seconds = time.monotonic() - began
        self._says(sentence("ready", part=_called(name), seconds=seconds))

    def _failure(self, name: str, why: str) -> str:
        log = self.log(name)
        return sentence(
            "failed", part=_called(name), why=why, log=log, lines=last_lines(log)
        )


async def _all(*starts: Coroutine[Any, Any, None]) -> None:
    """Wait for all; the first that fails ends the others, and is raised."""
    tasks = [asyncio.create_task(each) for each in starts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _called(name: str) -> str:
    return sentence(f"part.{name}")


def _how(code: int) -> str:
    if code < 0:
        return sentence("how.signal", number=-code)
    return sentence("how.code", number=code) if code else sentence("how.gone")
