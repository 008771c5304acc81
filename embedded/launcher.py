"""`up`: the whole stack at a terminal, from the checks to Ctrl-C."""

import asyncio
import math
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from embedded.checks import troubles
from embedded.parts import python
from embedded.places import CHECKOUT, postgres_home
from embedded.ports import LOOPBACK, Ports
from embedded.processes import Program, start
from embedded.record import AlreadyRunning, running_stack
from embedded.sentences import sentence
from embedded.stack import START_TROUBLES, EmbeddedStack

_PAUSE_S = 0.1

Say = Callable[[str], None]


async def up(
    data_dir: Path, ports: Ports, *, demo: bool, follow: bool, says: Say
) -> int:
    """Start everything, play the demo once in a data folder's life, stay until Ctrl-C.

    Returns the exit code: 0 after a clean stop, 1 when something stood in the way.
    """
    if (other := running_stack(data_dir)) is not None:
        says(_running_sentence(AlreadyRunning(other)))
        return 1
    if found := troubles(data_dir, ports):
        for trouble in found:
            says(trouble)
        return 1
    stop = _Stop(says)
    try:
        stack = EmbeddedStack(data_dir, ports, says=says)
        stop.stack = stack
        await stop.unless_asked(_run(stack, stop, demo=demo, follow=follow, says=says))
    except AlreadyRunning as running:
        says(_running_sentence(running))
        return 1
    except START_TROUBLES as problem:
        says(str(problem))
        return 1
    says(sentence("stopped"))
    return 0


async def _run(
    stack: EmbeddedStack, stop: "_Stop", *, demo: bool, follow: bool, says: Say
) -> None:
    home = postgres_home(stack.data_dir)
    if home != stack.data_dir:
        says(sentence("elsewhere", folder=home, checkout=CHECKOUT))
    async with stack:
        for line in addresses(stack):
            says(line)
        following = asyncio.create_task(_follow(stack, says)) if follow else None
        if demo:
            await _play_once(stack, says)
        says(sentence("try"))
        await stop.asked.wait()
        if following is not None:
            following.cancel()


class _Stop:
    """Ctrl-C: once for a clean stop, twice for an immediate one."""

    def __init__(self, says: Say) -> None:
        self.asked = asyncio.Event()
        self.stack: EmbeddedStack | None = None
        self._says = says
        self._task: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._hear)

    async def unless_asked(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work*, whole stop included, until asked to stop."""
        self._task = asyncio.create_task(work)
        try:
            await self._task
        except asyncio.CancelledError:
            if not self.asked.is_set():
                raise

    def _hear(self) -> None:
        if not self.asked.is_set():
            self._says(sentence("stopping"))
            self.asked.set()
            if self._task is not None:
                self._task.cancel()
        elif self.stack is not None:
            self.stack.kill_all()


def addresses(stack: EmbeddedStack) -> list[str]:
    """Return the lines that say where everything is."""
    ports = stack.ports
    places = {
        "api": f"http://{LOOPBACK}:{ports.api}/",
        "inbox": f"http://{LOOPBACK}:{ports.inbox}/",
        "lmtp": f"{LOOPBACK}:{ports.lmtp}",
        "temporal": f"http://{LOOPBACK}:{ports.temporal_ui}/",
        "postgres": f"{LOOPBACK}:{ports.postgres}",
        "tokens": str(stack.data_dir / "secrets" / "tokens.json"),
        "logs": str(stack.data_dir / "logs"),
    }
    named = {sentence(f"address.{name}"): place for name, place in places.items()}
    width = max(len(name) for name in named)
    return [
        "",
        *(f"  {name:<{width}}  {place}" for name, place in named.items()),
        "",
        sentence("leave"),
        "",
    ]


async def _play_once(stack: EmbeddedStack, says: Say) -> None:
    """Play the demo at the first start; it is marked once it went well."""
    mark = stack.data_dir / "demo.played"
    if mark.exists() or not (CHECKOUT / "embedded" / "demo.py").exists():
        return
    command = python("cli.py", "demo", "--data-dir", str(stack.data_dir))
    playing = start(Program(command, stack.environment, CHECKOUT), None)
    try:
        await asyncio.to_thread(playing.wait, math.inf)
    finally:
        playing.stop()
    if (code := playing.poll()) == 0:
        mark.touch()
    else:
        says(sentence("demo_failed", code=code))


async def _follow(stack: EmbeddedStack, says: Say) -> None:
    """Say each new line of each part's log, the part's name before it."""
    read = {name: _size(stack.log(name)) for name in stack.names}
    while True:
        await asyncio.sleep(_PAUSE_S)
        for name, offset in read.items():
            read[name] = _say_from(stack.log(name), offset, name, says)


def _say_from(log: Path, offset: int, name: str, says: Say) -> int:
    """Say the whole lines after *offset*; return where the next one begins."""
    size = _size(log)
    if size <= offset:
        return min(size, offset)
    with log.open("rb") as file:
        file.seek(offset)
        whole, newline, _ = file.read().rpartition(b"\n")
    for line in whole.decode(errors="replace").splitlines():
        says(f"{name:<9}| {line}")
    return offset + len(whole) + len(newline)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _running_sentence(running: AlreadyRunning) -> str:
    record = running.record
    if record is None:
        return sentence("running", pid="?", url="?")
    url = record.environment["ECHEANCE_PUBLIC_URL"]
    return sentence("running", pid=record.pid, url=url)


def join_running_stack(data_dir: Path) -> bool:
    """Take the environment of the stack that runs on *data_dir*, if one does."""
    record = running_stack(data_dir)
    if record is not None:
        os.environ.update(record.environment)
    return record is not None
