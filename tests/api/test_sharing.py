import asyncio

import pytest

from api.sharing import Shared


class Work:
    """Something dear: it answers with its number once it is let go on."""

    def __init__(self) -> None:
        self.begun = 0
        self.begins = asyncio.Semaphore(0)
        self.go_on = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        mine = self.begun
        self.begins.release()
        await self.go_on.wait()
        return mine


async def test_who_asks_at_one_moment_shares_one_answer() -> None:
    shared, work = Shared[int](), Work()
    work.go_on.set()
    assert await asyncio.gather(*(shared.ask("a", work) for _ in range(50))) == [1] * 50


async def test_who_asks_while_it_is_worked_out_gets_one_begun_afterwards() -> None:
    shared, work = Shared[int](), Work()
    first = asyncio.create_task(shared.ask("a", work))
    await work.begins.acquire()
    later = [asyncio.create_task(shared.ask("a", work)) for _ in range(50)]
    await asyncio.sleep(0)
    assert work.begun == 1
    work.go_on.set()
    assert await first == 1
    assert await asyncio.gather(*later) == [2] * 50


async def test_other_questions_do_not_wait() -> None:
    shared, slow, quick = Shared[int](), Work(), Work()
    quick.go_on.set()
    waits = asyncio.create_task(shared.ask("slow", slow))
    await slow.begins.acquire()
    assert await shared.ask("quick", quick) == 1
    slow.go_on.set()
    await waits


async def test_what_fails_fails_for_all_and_is_begun_again() -> None:
    shared = Shared[int]()

    async def fails() -> int:
        raise LookupError

    failed = await asyncio.gather(
        *(shared.ask("a", fails) for _ in range(3)), return_exceptions=True
    )
    assert [type(e) for e in failed] == [LookupError] * 3
    work = Work()
    work.go_on.set()
    assert await shared.ask("a", work) == 1


async def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    shared, work = Shared[int](), Work()
    leaves = asyncio.create_task(shared.ask("a", work))
    stays = asyncio.create_task(shared.ask("a", work))
    await work.begins.acquire()
    leaves.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaves
    work.go_on.set()
    assert await stays == 1
