"""The catcher is a relay worth trying against: it offers reports and sends them."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from embedded.catcher import Catcher, Connection, Reports
from embedded.delivery_reports import FAILED, Reported, delivery_report
from embedded.intake_door import IntakeDoor
from embedded.letterbox import Letterbox
from embedded.ports import LOOPBACK, Ports
from intake.arrival import House
from intake.reports import Fate
from intake.understanding import Nature, understand
from tests.embedded.correspondence import (
    INTAKE_ADDRESS,
    LUCE,
    MESSAGE_ID,
    RETURN_PATH,
    a_letter,
    send,
    standing_in,
)

SUCCESS = ("NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;{LUCE}")
HOUSE = House(INTAKE_ADDRESS)


@dataclass(frozen=True)
class Relay:
    port: int
    box: Letterbox

    async def takes(self, work: Callable[[smtplib.SMTP], None]) -> None:
        """Do *work* over one connection, beside the relay's own loop."""

        def spoken() -> None:
            with smtplib.SMTP(LOOPBACK, self.port, timeout=10) as client:
                client.ehlo()
                work(client)

        await asyncio.to_thread(spoken)


@asynccontextmanager
async def catching(folder: Path, door: IntakeDoor) -> AsyncIterator[Relay]:
    box, reports = Letterbox(folder), Reports(door)
    catcher = Catcher(box, reports)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(catcher), LOOPBACK, 0
    )
    handing_in = asyncio.create_task(reports.hand_in_all())
    async with server:
        yield Relay(server.sockets[0].getsockname()[1], box)
    handing_in.cancel()


async def test_a_delivery_is_reported_to_the_letters_own_return_path(
    tmp_path: Path,
) -> None:
    async with standing_in() as (intake, door), catching(tmp_path, door) as relay:

        def one_letter(client: smtplib.SMTP) -> None:
            assert client.has_extn("dsn")
            client.sendmail(
                RETURN_PATH,
                [LUCE],
                a_letter().as_bytes(),
                mail_options=("RET=HDRS", "ENVID=dossier+2D1"),
                rcpt_options=SUCCESS,
            )

        await relay.takes(one_letter)
        report = await intake.next()
    assert report.mail_from == "<>"
    assert report.rcpt_tos == [RETURN_PATH]
    raw = report.original_content or b""
    assert b"Action: delivered" in raw
    assert b"Original-Envelope-Id: dossier+2D1" in raw
    assert f"Final-Recipient: rfc822; {LUCE}".encode() in raw
    assert MESSAGE_ID.encode() in raw
    # Nothing failed: the intake must not take it for a bounce.
    assert understand(raw, HOUSE).nature is Nature.REPORT


async def test_only_recipients_for_whom_it_was_asked_are_reported(
    tmp_path: Path,
) -> None:
    async with standing_in() as (intake, door), catching(tmp_path, door) as relay:

        def two_recipients_then_another(client: smtplib.SMTP) -> None:
            client.mail(RETURN_PATH)
            client.rcpt("silent@x.example")
            client.rcpt("loud@x.example", ("notify=success",))
            client.rcpt("never@x.example", ("NOTIFY=NEVER",))
            client.data(a_letter("reported").as_bytes())
            client.sendmail(RETURN_PATH, [LUCE], a_letter("plain").as_bytes())
            client.sendmail("", [LUCE], a_letter("robot").as_bytes(), (), SUCCESS)
            last = a_letter("last").as_bytes()
            client.sendmail(RETURN_PATH, [LUCE], last, (), SUCCESS)

        await relay.takes(two_recipients_then_another)
        first, last = await intake.next(), await intake.next()
    raw = first.original_content or b""
    assert raw.count(b"Final-Recipient:") == 1
    assert b"rfc822; loud@x.example" in raw
    assert b"Subject: last" in (last.original_content or b"")
    kept = [letter.recipients for letter in relay.box.letters()]
    assert len(kept) == 4
    assert len(kept[0]) == 3


async def test_an_intake_that_keeps_nothing_yet_delays_no_letter(
    tmp_path: Path,
) -> None:
    async with standing_in() as (intake, door), catching(tmp_path, door) as relay:
        intake.answer = "451 4.3.0 Later"
        await asyncio.to_thread(send, relay.port, a_letter(), rcpt_options=SUCCESS)
        assert len(list(relay.box.letters())) == 1
        refused = await intake.next()
        intake.answer = "250 2.0.0 Kept"
        again = await intake.next()
    assert again.original_content == refused.original_content


async def test_an_intake_that_is_away_delays_no_letter(tmp_path: Path) -> None:
    door = IntakeDoor(Ports.free().lmtp, INTAKE_ADDRESS)
    async with catching(tmp_path, door) as relay:
        await asyncio.to_thread(send, relay.port, a_letter(), rcpt_options=SUCCESS)
        assert len(list(relay.box.letters())) == 1
        assert (await door.hand_in(b"x", sender="", recipient=LUCE)).code is None


async def test_a_report_the_intake_refuses_is_given_up_and_the_next_one_goes(
    tmp_path: Path,
) -> None:
    async with standing_in() as (intake, door), catching(tmp_path, door) as relay:
        intake.answer = "550 5.7.1 No"
        both = (a_letter("first"), a_letter("second"))
        await asyncio.to_thread(send, relay.port, *both, rcpt_options=SUCCESS)
        first, second = await intake.next(), await intake.next()
    assert b"Subject: first" in (first.original_content or b"")
    assert b"Subject: second" in (second.original_content or b"")


async def test_a_long_command_is_taken_while_others_come_and_go(
    tmp_path: Path,
) -> None:
    async with standing_in() as (_, door), catching(tmp_path, door) as relay:

        def long_command(client: smtplib.SMTP) -> None:
            with smtplib.SMTP(LOOPBACK, relay.port, timeout=10):
                code, _ = client.mail(RETURN_PATH, (f"ENVID={'x' * 900}",))
            assert code == 250

        await relay.takes(long_command)


async def test_without_reports_none_is_offered(tmp_path: Path) -> None:
    catcher = Catcher(Letterbox(tmp_path))
    server = await asyncio.get_running_loop().create_server(
        partial(Connection, catcher), LOOPBACK, 0
    )
    async with server:
        relay = Relay(server.sockets[0].getsockname()[1], Letterbox(tmp_path))

        def asked(client: smtplib.SMTP) -> None:
            assert not client.has_extn("dsn")
            assert client.has_extn("8bitmime")

        await relay.takes(asked)


@pytest.mark.parametrize("head", [b"Message-ID: <x@y.example>\r\n", b"\xff\r\n", b""])
async def test_a_failure_report_is_understood_as_a_bounce_for_good(
    head: bytes,
) -> None:
    async with standing_in() as (intake, door):
        letter = Reported(RETURN_PATH, (LUCE,), datetime.now(UTC), head)
        answer = await door.hand_in(
            delivery_report(letter, FAILED), sender="", recipient=RETURN_PATH
        )
        assert answer.kept
        raw = (await intake.next()).original_content or b""
    read = understand(raw, HOUSE)
    assert read.nature is Nature.REPORT
    assert read.fate is Fate.FAILED
    assert read.letter == ("<x@y.example>" if b"@" in head else None)
