"""kill -9 of each part, in turns, in the middle of a story that still ends right.

The people of the story insist, as people do: they try again until they are answered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from embedded.clock import DossierClocks
from embedded.demo import (
    StoryOf,
    differences,
    the_exam_that_lapses,
    the_holder_who_comes_back,
    the_renewal_on_time,
)
from embedded.stack import EmbeddedStack
from embedded.theatre import Theatre, UnexpectedError

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.timeout(300)]

AWAY = (UnexpectedError, RPCError, SQLAlchemyError, httpx2.HTTPError, OSError)
TRIES = 200
STRIKES = 4
T = TypeVar("T")


class Saboteur:
    """Kills parts in turns, and lets the people insist until they are back."""

    def __init__(self, stack: EmbeddedStack, parts: Sequence[str]) -> None:
        self._stack = stack
        self._parts = parts
        self.kills = 0

    async def strike(self) -> None:
        """Kill the next part once it is whole again, a few times in a story."""
        if self.kills == STRIKES:
            return
        part = self._parts[self.kills % len(self._parts)]
        await self._stack.wait_ready(part)
        self._stack.kill(part)
        self.kills += 1

    async def insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Try until it goes through; the part comes back by itself."""
        for _ in range(TRIES):
            try:
                return await act()
            except AWAY:
                for part in self._parts:
                    await self._stack.wait_ready(part)
        return await act()


class KilledClocks(DossierClocks):
    """Clocks under which a part dies at a hop."""

    saboteur: Saboteur

    async def now(self, number: str) -> datetime:
        return await self.saboteur.insist(lambda: super(KilledClocks, self).now(number))

    async def advance(self, numbers: Iterable[str], to: datetime) -> None:
        wanted = tuple(numbers)
        moving = asyncio.create_task(
            self.saboteur.insist(lambda: super(KilledClocks, self).advance(wanted, to))
        )
        await self.saboteur.strike()
        await moving


class KilledTheatre(Theatre):
    """A theatre where a part dies before each act of a person."""

    saboteur: Saboteur

    async def _get(self, path: str, **query: Any) -> Any:
        return await self.saboteur.insist(
            lambda: super(KilledTheatre, self)._get(path, **query)
        )

    async def _post(
        self, role: str, path: str, body: dict[str, Any], key: str | None = None
    ) -> Any:
        await self.saboteur.strike()
        once = key or str(uuid4())
        return await self.saboteur.insist(
            lambda: super(KilledTheatre, self)._post(role, path, body, once)
        )

    async def write_mail(self, name: str, subject: str, text: str) -> None:
        await self.saboteur.strike()
        await self.saboteur.insist(
            lambda: super(KilledTheatre, self).write_mail(name, subject, text)
        )

    async def pay(self, number: Any) -> None:
        await self.saboteur.insist(lambda: super(KilledTheatre, self).pay(number))


@pytest.mark.parametrize(
    ("parts", "story"),
    [
        (("worker",), the_exam_that_lapses),
        (("temporal", "postgres"), the_holder_who_comes_back),
        (("worker", "intake"), the_holder_who_comes_back),
        (("inbox", "api"), the_renewal_on_time),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value.__name__,
)
async def test_a_story_ends_right_though_a_part_is_killed_before_each_act(
    stack: EmbeddedStack, theatre: Theatre, parts: tuple[str, ...], story: StoryOf
) -> None:
    saboteur = Saboteur(stack, parts)
    theatre.__class__ = KilledTheatre
    theatre.clocks.__class__ = KilledClocks
    assert isinstance(theatre, KilledTheatre)
    assert isinstance(theatre.clocks, KilledClocks)
    theatre.saboteur = theatre.clocks.saboteur = saboteur
    stage = theatre.stage()

    ending = await story(theatre, stage)

    assert saboteur.kills >= 2 * len(parts)
    assert await differences(theatre, stage, ending) == []
    assert _secrets_in_logs(stack) == []


def _secrets_in_logs(stack: EmbeddedStack) -> list[str]:
    """Name the parts whose log tells the database's password or a person's address."""
    password = stack.settings.database_url.split(":")[2].split("@")[0]
    told = (password, "@courriel.example")
    return [
        part
        for part in stack.names
        if any(secret in stack.log(part).read_text() for secret in told)
    ]
