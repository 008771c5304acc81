"""A dear answer that many ask for at one moment is worked out once for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class Shared(Generic[T]):
    """Who asks while an answer is being worked out shares the next one.

    Nothing is kept: each answer is begun after its askers asked, so that an officer who
    has just changed something sees it. However many ask, one works at a time per key.
    """

    def __init__(self) -> None:
        self._next: dict[Hashable, asyncio.Task[T]] = {}
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def ask(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Give the answer to *key*; raises what *work* raises, to all who share it."""
        coming = self._next.get(key)
        if coming is None:
            coming = asyncio.create_task(self._begin(key, work))
            self._next[key] = coming
        # One who goes away takes nothing from the others.
        return await asyncio.shield(coming)

    async def _begin(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = asyncio.Lock()
        async with turn:
            # From here on it may have seen too little for who asks now.
            del self._next[key]
            return await work()
