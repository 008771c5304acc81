"""Letters over SMTP: ours against a bare client that sends prepared bytes.

Both use as many connections to one sink, a process of its own, in turns and in one run,
so that the ratio is the price of knowing what became of each letter.
"""

import asyncio
import statistics
import sys
import time
from asyncio import subprocess
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from typing import TypeAlias

import aiosmtplib

from activities.letters import Letters, Post
from benchmarks.databases import a_database
from letters.answers import Reply
from letters.compose import message_id
from letters.connections import Connections
from letters.returning import return_path
from letters.smtp import Relay, ready
from records.database import make_engine, make_sessions
from records.pace import Pace
from tests.activities.attempt import HEAD
from tests.activities.office import Office, an_order, run
from tests.dossiers import a_holder
from tests.letters.handing import RECIPIENT, a_letter
from workflows.messages import LetterOrder, Posted

LETTERS = 2000
THROUGH_ALL = 400
ROUNDS = 3
CONNECTIONS = 4
NO_LIMIT = Pace(in_a_minute=10_000_000, in_a_minute_to_a_domain=10_000_000)
BARE, OURS = "sent by a bare client", "handed over by us"
Rows = AsyncIterator[tuple[str, str, str]]
Cost: TypeAlias = tuple[float, float]


async def posting() -> Rows:
    """Send by a bare client, over our connections, and through the whole effect."""
    letters = [a_letter(_id_of(number)) for number in range(LETTERS)]
    prepared = [(_sender_of(letter), letter.as_bytes()) for letter in letters]
    spent: dict[str, list[Cost]] = {
        BARE: [],
        OURS: [],
        "the same over a connection a letter": [],
        "claimed, handed over and noted": [],
    }
    async with _a_sink() as port, _an_office() as office:
        relay = Relay("127.0.0.1", port, connections=CONNECTIONS)
        one_each = replace(relay, letters_each=1)
        for turn in range(ROUNDS):
            works = (
                (_bare(port, prepared), LETTERS),
                (_ours(relay, letters), LETTERS),
                (_ours(one_each, letters), LETTERS),
                (_whole(office, relay, turn), THROUGH_ALL),
            )
            for costs, (work, sent) in zip(spent.values(), works, strict=True):
                costs.append(await _cost(work, sent))
    yield (
        f"CPU to make the bytes of a letter ({_size_of(prepared)})",
        _bytes(letters),
        "",
    )
    for name, costs in spent.items():
        wall, cpu = (statistics.median(each) for each in zip(*costs, strict=True))
        yield f"a letter {name}", f"{wall:.2f} ms, CPU {cpu:.2f} ms", ""
    sizes = f"{LETTERS} letters, {CONNECTIONS} connections, {ROUNDS} rounds"
    for name, aim in zip(list(spent)[1:], ("1.5", "", ""), strict=True):
        ratio = _ratio(spent[name], spent[BARE])
        yield f"wall, a letter {name} to bare ({sizes})", ratio, aim


def _size_of(prepared: list[tuple[str, bytes]]) -> str:
    return f"{len(prepared[0][1]) / 1000:.0f} kB"


def _bytes(letters: list[EmailMessage]) -> str:
    begun = time.process_time()
    for letter in letters:
        ready(letter, sender=HEAD.return_address, recipient=RECIPIENT)
    return f"{1000 * (time.process_time() - begun) / len(letters):.2f} ms"


async def _cost(work: Coroutine[None, None, None], letters: int) -> Cost:
    """Give the wall and processor time of one letter, in milliseconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    await work
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return 1000 * wall / letters, 1000 * cpu / letters


def _ratio(ours: list[Cost], bare: list[Cost]) -> str:
    ratios = [o[0] / b[0] for o, b in zip(ours, bare, strict=True)]
    middle = statistics.median(ratios)
    return f"{middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _id_of(number: int) -> str:
    return message_id(f"posting/{number}", secret=b"a key", domain="echeance.example")


def _sender_of(letter: EmailMessage) -> str:
    return return_path(HEAD.return_address, str(letter["Message-ID"]))


async def _bare(port: int, prepared: list[tuple[str, bytes]]) -> None:
    async def send(share: Iterable[tuple[str, bytes]]) -> None:
        async with aiosmtplib.SMTP(
            hostname="127.0.0.1", port=port, start_tls=False
        ) as client:
            for sender, payload in share:
                await client.sendmail(sender, [RECIPIENT], payload)

    await asyncio.gather(*(send(prepared[i::CONNECTIONS]) for i in range(CONNECTIONS)))


async def _ours(relay: Relay, letters: list[EmailMessage]) -> None:
    connections = Connections(relay)

    async def send(share: Iterable[EmailMessage]) -> None:
        for letter in share:
            outcome = await connections.hand_over(
                letter, sender=_sender_of(letter), recipient=RECIPIENT
            )
            assert outcome.state is Reply.ACCEPTED

    await asyncio.gather(*(send(letters[i::CONNECTIONS]) for i in range(CONNECTIONS)))
    await connections.close()


async def _whole(office: Office, relay: Relay, turn: int) -> None:
    letters = Letters(office.sessions, Post(relay, NO_LIMIT), HEAD)
    orders = [
        an_order(a_holder(), key=f"{turn}/{number}/reminder_30")
        for number in range(THROUGH_ALL)
    ]

    async def send(share: Iterable[LetterOrder]) -> None:
        for order in share:
            assert await run(letters.send_letter, order) is Posted.ACCEPTED

    await asyncio.gather(*(send(orders[i::CONNECTIONS]) for i in range(CONNECTIONS)))
    await letters.connections.close()


@asynccontextmanager
async def _a_sink() -> AsyncIterator[int]:
    sink = await subprocess.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.sink"), stdout=subprocess.PIPE
    )
    assert sink.stdout is not None
    try:
        yield int(await sink.stdout.readline())
    finally:
        sink.kill()
        await sink.wait()


@asynccontextmanager
async def _an_office() -> AsyncIterator[Office]:
    """Run a PostgreSQL of its own, with one holder in it."""
    async with a_database() as (url, _folder):
        engine = make_engine(url)
        office = Office(url, make_sessions(engine))
        await office.place(a_holder())
        yield office
        await engine.dispose()
