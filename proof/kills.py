"""A seeded schedule of deaths: each part of a stack, again and again, at any moment."""

import asyncio
import os
import signal
from collections.abc import Callable
from random import Random

from embedded.stack import EmbeddedStack

LEAST_PAUSE_S, MOST_PAUSE_S = 0.5, 2.5
"""Between two blows, all being well: what was struck is let come back first."""

FROZEN_S = 3.0
_BLOWS = (
    *(("worker", signal.SIGKILL),) * 3,
    ("worker", signal.SIGSTOP),
    ("worker", signal.SIGTERM),
    ("api", signal.SIGKILL),
    ("intake", signal.SIGKILL),
    *(("temporal", signal.SIGKILL),) * 2,
    ("temporal", signal.SIGSTOP),
    ("postgres", signal.SIGQUIT),  # what pg_ctl calls an immediate stop
    ("postgres", signal.SIGKILL),
    *(("inbox", signal.SIGKILL),) * 2,
)


class Kills:
    """Deaths of one stack, told to *say*; *blows* counts them.

    They pause while *truces* names somebody.
    """

    def __init__(
        self, stack: EmbeddedStack, seed: int, say: Callable[[str], None]
    ) -> None:
        self.blows = 0
        self.truces: set[str] = set()
        self._stack = stack
        self._random = Random(seed)
        self._say = say

    async def go_on(self) -> None:
        """Strike until cancelled; what was frozen is thawed at the latest then."""
        while True:
            pause = self._random.uniform(LEAST_PAUSE_S, MOST_PAUSE_S)
            await asyncio.sleep(pause)
            if self.truces or not await self._all_is_well():
                continue
            if self._random.random() < 1 / len(_BLOWS):
                await self._strike_all()
                continue
            await self._strike(*self._random.choice(_BLOWS))

    async def _all_is_well(self) -> bool:
        try:
            for part in self._stack.names:
                await self._stack.wait_ready(part)
        except TimeoutError:
            self._say("a part is long in coming back")
            return False
        return True

    async def _strike(self, part: str, blow: signal.Signals) -> None:
        self.blows += 1
        self._say(f"{part}: {blow.name}")
        if blow is signal.SIGSTOP:
            await self._freeze(part)
        elif blow is signal.SIGKILL:
            self._stack.kill(part)
        else:
            os.kill(self._stack.pid(part), blow)

    async def _freeze(self, part: str) -> None:
        pid = self._stack.pid(part)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(FROZEN_S)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _strike_all(self) -> None:
        """Kill every part at once, in an order of chance."""
        parts = list(self._stack.names)
        self._random.shuffle(parts)
        for part in parts:
            self._stack.kill(part)
        self.blows += len(parts)
        self._say(f"all at once: {', '.join(parts)}")
