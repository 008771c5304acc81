"""What the LMTP door bears: slow, large, many and strange, in bounded memory."""

import asyncio
import os
import random
import re
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle, pairwise
from pathlib import Path

from sqlalchemy import func, select

from embedded.places import CHECKOUT
from embedded.processes import Program, Running, start
from intake.lmtp import Intake, Limits, listening
from intake.mail import MailRoom
from records.models import FactRow, Letter, Mail, TaskRow
from tests.activities.office import Office
from tests.intake.test_lmtp import OURS, RETURN, at, handing_over, over_lmtp
from tests.intake.writing import BOTH, INTAKE, Listening, a_letter, marc_came_back
from tests.upkeep.server import a_closed_port

MEGABYTE = 1024 * 1024
SENT_AS_IT_IS = f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{INTAKE}>\r\nDATA\r\n".encode()


@dataclass
class Talk:
    """One connection, word by word."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def says(self, *words: bytes) -> None:
        for word in words:
            self.writer.write(word)
            await self.writer.drain()

    async def hears(self, count: int = 1) -> list[int]:
        """Read answers, one line each; those of several lines count as one."""
        codes: list[int] = []
        async with asyncio.timeout(30):
            while len(codes) < count:
                line = await self.reader.readline()
                if not line:
                    break
                if line[3:4] != b"-":
                    codes.append(int(line[:3]))
        return codes


@asynccontextmanager
async def talking(port: int) -> AsyncIterator[Talk]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    talk = Talk(reader, writer)
    try:
        yield talk
    finally:
        writer.close()


async def talk_a_little(port: int) -> None:
    """Let the door work: one connection later, others were heard too."""
    async with talking(port) as talk:
        assert await talk.hears() == [220]


def on_the_wire(raw: bytes) -> bytes:
    """Double the dots at line starts, and end with the lone one."""
    return (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def in_pieces(sent: bytes, dice: random.Random) -> list[bytes]:
    cuts = sorted(dice.randrange(len(sent) + 1) for _ in range(dice.randrange(6)))
    edges = [0, *cuts, len(sent)]
    return [sent[a:b] for a, b in pairwise(edges) if b > a]


# ------------------------------------------------------- a letter is taken as it is


async def test_a_letter_comes_through_as_sent_however_it_is_cut(
    office: Office, room: MailRoom
) -> None:
    dice = random.Random(2033)
    morsels = (
        b".",
        b"..",
        b"\r\n",
        b"\r\n.\r\n"[:3],
        b"\n.\n",
        b"\r",
        b"a",
        b"\0",
        b"\xe9",
    )
    letters = [b"", b"\r\n", b".x\r\n", b"..\r\n", b"\r\n\r\n"]
    for _ in range(60):
        body = b"".join(dice.choice(morsels) for _ in range(dice.randrange(12)))
        letters.append(body + b"\r\n")
    async with at(room) as port, talking(port) as talk:
        await talk.says(b"LHLO x\r\n")
        assert await talk.hears(2) == [220, 250]
        for raw in letters:
            await talk.says(SENT_AS_IT_IS)
            assert await talk.hears(3) == [250, 250, 354]
            await talk.says(*in_pieces(on_the_wire(raw), dice))
            assert await talk.hears() == [250]

    kept = {mail.raw for mail in await office.rows(Mail)}
    assert kept == set(letters)


async def test_a_sender_may_write_ahead_of_the_answers(
    office: Office, room: MailRoom
) -> None:
    first, second = (
        on_the_wire(a_letter(text) + b"\r\n") for text in ("Bonjour", "Bonsoir")
    )
    async with at(room) as port, talking(port) as talk:
        await talk.says(b"LHLO x\r\n" + SENT_AS_IT_IS)
        assert await talk.hears(5) == [220, 250, 250, 250, 354]
        await talk.says(first + SENT_AS_IT_IS)
        assert await talk.hears(4) == [250, 250, 250, 354]
        await talk.says(second + b"QUIT\r\n")
        assert await talk.hears(2) == [250, 221]

    assert len(await office.rows(Mail)) == 2


async def test_data_without_a_recipient_or_with_a_word_behind_it_is_refused(
    room: MailRoom,
) -> None:
    async with at(room) as port, talking(port) as talk:
        await talk.says(b"DATA\r\n", b"LHLO x\r\n", b"MAIL FROM:<a@b.example>\r\n")
        await talk.says(b"DATA\r\n", f"RCPT TO:<{INTAKE}>\r\n".encode(), b"DATA 1\r\n")
        assert await talk.hears(7) == [220, 503, 250, 250, 503, 250, 501]


async def test_the_reading_is_told_every_recipient_of_the_envelope(
    office: Office, room: MailRoom
) -> None:
    room.__class__ = Listening
    assert isinstance(room, Listening)
    theirs = (INTAKE, "retour+items-missing.7f3a@echeance.example", RETURN)

    async with at(room) as port:
        await over_lmtp(port, handing_over(a_letter("Bonjour"), *theirs))

    assert room.recipients == theirs


async def test_no_door_answers_a_robot_nor_a_letter_without_a_sender(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)
    robots = (
        a_letter(BOTH, Auto_Submitted="auto-replied"),
        a_letter(BOTH, X_Echeance_Letter="reminder_30"),
        b"Received: from a.example\n" * 40 + a_letter(BOTH, Precedence="bulk"),
    )
    async with at(room) as port, talking(port) as talk:
        await talk.says(b"LHLO x\r\n")
        assert await talk.hears(2) == [220, 250]
        for raw in robots:
            await talk.says(SENT_AS_IT_IS.replace(b"a@b.example", b""))
            assert await talk.hears(3) == [250, 250, 354]
            await talk.says(on_the_wire(raw.replace(b"\n", b"\r\n")))
            assert await talk.hears() == [250]

    for table in (FactRow, TaskRow, Letter):
        assert await office.rows(table) == []


# ------------------------------------------------------------------ many, slow, large


async def test_a_connection_too_many_is_told_to_come_again(room: MailRoom) -> None:
    async with at(room, connections=2) as port, talking(port) as one:
        assert await one.hears() == [220]
        async with talking(port) as other, talking(port) as third:
            assert await other.hears() == [220]
            assert await third.hears(2) == [421]
        await one.says(b"NOOP\r\n")
        assert await one.hears() == [250]
        while True:  # until the door has noticed that the others left
            async with talking(port) as later:
                if await later.hears() == [220]:
                    break


async def test_a_recipient_too_many_is_left_for_another_time(room: MailRoom) -> None:
    async with at(room, recipients=3) as port:
        codes = await over_lmtp(port, handing_over(a_letter("Bonjour"), *[INTAKE] * 5))

    assert codes == [250, 250, 250, 250, 452, 452, 354, 250, 250, 250]


async def test_a_sender_that_says_nothing_is_left(room: MailRoom) -> None:
    async with at(room, idle=timedelta(seconds=1)) as port:
        async with talking(port) as silent:
            assert await silent.hears(2) == [220]
        async with talking(port) as dictating:
            await dictating.says(b"LHLO x\r\n" + SENT_AS_IT_IS + b"Subject: x\r\n")
            assert await dictating.hears(6) == [220, 250, 250, 250, 354]


async def test_a_large_letter_waits_for_its_turn_and_small_ones_do_not(
    office: Office, room: MailRoom
) -> None:
    limits = Limits(large_letters=1, patience=timedelta(seconds=0.3))
    intake = Intake(room, OURS, limits)
    large = on_the_wire(a_letter("Grand") + b"x" * MEGABYTE + b"\r\n")
    async with (
        listening(intake, host="127.0.0.1", port=0) as port,
        talking(port) as holding,
        talking(port) as waiting,
    ):
        for talk in (holding, waiting):
            await talk.says(b"LHLO x\r\n" + SENT_AS_IT_IS)
            assert await talk.hears(5) == [220, 250, 250, 250, 354]
        await holding.says(large[:-3])
        async with asyncio.timeout(30):
            while not intake._large.locked():
                await talk_a_little(port)
        await waiting.says(large)
        small = await over_lmtp(port, handing_over(a_letter("Petit")))
        assert small[-1] == 250
        assert await waiting.hears() == [451]
        await holding.says(large[-3:])
        assert await holding.hears() == [250]
        await waiting.says(SENT_AS_IT_IS + large)
        assert await waiting.hears(4) == [250, 250, 354, 250]

    assert sorted(mail.copies for mail in await office.rows(Mail)) == [1, 2]


async def test_a_sender_that_leaves_in_the_middle_leaves_nothing_and_its_place(
    office: Office, room: MailRoom
) -> None:
    large = on_the_wire(a_letter("Grand") + b"x" * MEGABYTE + b"\r\n")
    async with at(room, large_letters=1) as port:
        for _ in range(3):
            async with talking(port) as leaving:
                await leaving.says(b"LHLO x\r\n" + SENT_AS_IT_IS)
                assert await leaving.hears(5) == [220, 250, 250, 250, 354]
                await leaving.says(large[:-3])
        codes = await over_lmtp(port, handing_over(large[:-3]))

    assert codes[-1] == 250
    assert len(await office.rows(Mail)) == 1


# ----------------------------------------------------------------------- the memory


@dataclass
class Process:
    """The intake as it runs in production: a process, and its peak of memory."""

    running: Running
    port: int
    codes: list[bytes] = field(default_factory=list)

    def peak_mb(self) -> int:
        status = Path(f"/proc/{self.running.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) // 1024


@contextmanager
def an_intake(
    office: Office, folder: Path, port: int, **more: str
) -> Iterator[Process]:
    """Start `cli.py intake`."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONTZPATH": "",
        "ECHEANCE_DATABASE_URL": office.url,
        "ECHEANCE_MAIL_KEY": "key-of-the-tests",
        "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_dGVzdHM=",
        "ECHEANCE_TEMPORAL_ADDRESS": "127.0.0.1:1",
        "ECHEANCE_READY_FILE": str(folder / "ready"),
        "ECHEANCE_LMTP_PORT": str(port),
        **more,
    }
    command = (sys.executable, "cli.py", "intake")
    running = start(Program(command, environment, CHECKOUT), folder / "intake.log")
    try:
        while not (folder / "ready").exists():
            assert running.poll() is None, (folder / "intake.log").read_text()
        yield Process(running, port)
    finally:
        running.stop()


def hand_over_at_once(port: int, letters: list[bytes]) -> list[int]:
    """Send each letter on a connection of its own, all together."""
    codes: list[int] = []

    def send(raw: bytes) -> None:
        async def one() -> None:
            async with talking(port) as talk:
                await talk.says(b"LHLO x\r\n" + SENT_AS_IT_IS)
                await talk.hears(5)
                await talk.says(raw)
                codes.extend(await talk.hears())

        asyncio.run(one())

    threads = [threading.Thread(target=send, args=(raw,)) for raw in letters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


async def counted(office: Office) -> int:
    """Count the messages kept, without their bytes."""
    async with office.sessions() as session:
        return await session.scalar(select(func.count()).select_from(Mail)) or 0


async def test_fifty_letters_of_ten_megabytes_at_once_fit_in_bounded_memory(
    office: Office, tmp_path: Path
) -> None:
    with an_intake(office, tmp_path, await a_closed_port()) as intake:
        an_image = b"Content-Type: image/png\r\n\r\n"
        bodies = (b"x\r\n" * (10 * MEGABYTE // 3 - 500), b"y" * (10 * MEGABYTE - 2_000))
        letters = [
            on_the_wire(
                b"Message-ID: <%d@x.example>\r\n" % n + an_image + body + b"\r\n"
            )
            for n, body in zip(range(50), cycle(bodies), strict=False)
        ]
        codes = await asyncio.to_thread(hand_over_at_once, intake.port, letters)
        peak = intake.peak_mb()
        running = intake.running

    assert running.poll() == 0
    # What was not kept is still at its sender.
    assert set(codes) <= {250, 451}
    assert await counted(office) == codes.count(250) > 10
    assert peak < 300
