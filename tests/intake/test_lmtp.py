"""The LMTP door over a real socket: 250 only for what is committed."""

import asyncio
import os
import secrets
import signal
import smtplib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from temporalio.client import Client

from embedded.ports import Ports
from embedded.postgres import Cluster
from intake.arrival import MOST_BYTES, House
from intake.delivery import Courier
from intake.lmtp import Intake, Limits, listening
from intake.mail import MailRoom
from intake.serving import serve
from records import migrations
from records.database import make_engine, make_sessions
from records.models import FactRow, Mail
from tests.activities.office import Office
from tests.dossiers import a_newcomer
from tests.intake.writing import BOTH, INTAKE, MARC, a_letter, marc_came_back
from tests.upkeep.server import a_closed_port, settings_for

Answer = TypeVar("Answer")
Codes = list[int]
RETURN = "retour@echeance.example"
OURS = House(INTAKE, RETURN, "echeance.example")


def at(room: MailRoom, **limits: Any) -> AbstractAsyncContextManager[int]:
    """Open the door on a port chosen by the system."""
    intake = Intake(room, OURS, Limits(**limits))
    return listening(intake, host="127.0.0.1", port=0)


@pytest.fixture
async def port(room: MailRoom) -> AsyncIterator[int]:
    async with at(room) as port:
        yield port


def told_to(port: int, talk: Callable[[smtplib.LMTP], Answer]) -> Answer:
    with smtplib.LMTP("127.0.0.1", port) as door:
        return talk(door)


async def over_lmtp(port: int, talk: Callable[[smtplib.LMTP], Answer]) -> Answer:
    return await asyncio.to_thread(told_to, port, talk)


def handing_over(
    raw: bytes, *recipients: str, size: int | None = None
) -> Callable[[smtplib.LMTP], Codes]:
    """Hand one letter over; the codes of each step, one a recipient at the end."""

    def talk(door: smtplib.LMTP) -> Codes:
        door.ehlo()
        codes = [door.mail(MARC, [f"SIZE={size}"] if size else [])[0]]
        taken = [door.rcpt(address)[0] for address in recipients or (INTAKE,)]
        codes += taken
        if codes[0] == 250 and 250 in taken:
            codes.append(door.docmd("DATA")[0])
            body = smtplib._quote_periods(  # type: ignore[attr-defined] # private
                smtplib._fix_eols(raw.decode("latin-1")).encode("latin-1")  # type: ignore[attr-defined] # private
            )
            door.send(body + b"\r\n.\r\n")
            codes += [door.getreply()[0] for code in taken if code == 250]
        return codes

    return talk


async def test_a_letter_is_acknowledged_once_it_is_committed(
    office: Office, port: int
) -> None:
    await marc_came_back(office)

    codes = await over_lmtp(port, handing_over(a_letter(BOTH)))

    assert codes == [250, 250, 354, 250]
    assert len(await office.rows(Mail)) == len(await office.rows(FactRow)) == 1


async def test_the_same_letter_twice_is_acknowledged_twice_and_one_fact(
    office: Office, port: int
) -> None:
    await marc_came_back(office)

    for _ in range(2):
        codes = await over_lmtp(port, handing_over(a_letter(BOTH)))
        assert codes[-1] == 250

    assert len(await office.rows(Mail)) == len(await office.rows(FactRow)) == 1


async def test_each_recipient_has_its_own_answer(office: Office, port: int) -> None:
    talk = handing_over(
        a_letter("Bonjour"), INTAKE, "nobody@echeance.example", INTAKE.upper()
    )

    codes = await over_lmtp(port, talk)

    assert codes == [250, 250, 550, 250, 354, 250, 250]
    assert len(await office.rows(Mail)) == 1


@pytest.mark.parametrize(
    "address",
    [
        INTAKE,
        INTAKE.upper(),
        "infocertificat+dossier@echeance.example",
        RETURN,
        "retour+items-missing.7f3a@echeance.example",
        "Retour+Items-Missing.7F3A@ECHEANCE.example",
    ],
)
async def test_a_letter_for_the_intake_or_come_back_to_a_letter_of_ours_is_taken(
    office: Office, port: int, address: str
) -> None:
    assert await over_lmtp(port, handing_over(a_letter("Bonjour"), address)) == [
        *(250, 250, 354, 250)
    ]

    assert len(await office.rows(Mail)) == 1


@pytest.mark.parametrize(
    "address",
    [
        "infocertificat@ailleurs.example",
        "info@echeance.example",
        "infocertificat",
        "retourner@echeance.example",
        "retour+items-missing.7f3a@ailleurs.example",
        "x+retour@echeance.example",
    ],
)
async def test_a_letter_for_somebody_else_is_refused(
    office: Office, port: int, address: str
) -> None:
    codes = await over_lmtp(port, handing_over(a_letter("Bonjour"), address))

    assert codes == [250, 550]
    assert await office.rows(Mail) == []


async def test_a_letter_too_large_is_refused_for_each_recipient(
    office: Office, port: int
) -> None:
    line = b"x" * 900 + b"\r\n"
    large = a_letter("Bonjour") + line * (MOST_BYTES // len(line) + 1)

    codes = await over_lmtp(port, handing_over(large, INTAKE, INTAKE.title()))
    announced = await over_lmtp(port, handing_over(large, INTAKE, size=MOST_BYTES + 1))

    assert codes == [250, 250, 250, 354, 552, 552]
    assert announced[0] == 552
    assert await office.rows(Mail) == []


async def test_a_line_without_end_loses_no_letter(office: Office, port: int) -> None:
    raw = a_letter("Bonjour") + b"x" * 100_000 + b"\r\n"

    assert (await over_lmtp(port, handing_over(raw)))[-1] == 250

    assert len(await office.rows(Mail)) == 1


async def test_a_line_with_one_dot_and_accents_come_through_as_sent(
    office: Office, port: int
) -> None:
    raw = (
        b"From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n.\r\n..\r\n" + "Échéance\r\n".encode()
    )

    await over_lmtp(port, handing_over(raw))

    [mail] = await office.rows(Mail)
    assert mail.raw.rstrip() == raw.rstrip()


@contextmanager
def a_database_of_our_own(folder: Path) -> Iterator[Cluster]:
    """Run a PostgreSQL that a test may stop."""
    folder.mkdir(mode=0o755)
    cluster = Cluster(folder, Ports.free().postgres, secrets.token_urlsafe(16))
    cluster.prepare()
    running = cluster.start()
    try:
        cluster.wait_ready(running)
        cluster.create_database()
        migrations.upgrade(cluster.url())
        yield cluster
    finally:
        running.stop()


async def test_a_letter_waits_at_its_sender_while_the_database_is_stopped(
    open_folder: Path, temporal_away: Client
) -> None:
    with a_database_of_our_own(open_folder / "stopped") as cluster:
        engine = make_engine(cluster.url())
        office = Office(cluster.url(), make_sessions(engine))
        await office.place(a_newcomer())
        room = MailRoom(
            office.sessions,
            Courier(office.sessions, temporal_away),
            settings_for(cluster.url()),
        )
        letter = handing_over(a_letter("Bonjour"))
        async with at(room) as port:
            stopped = cluster.start()  # adopts the server that runs
            stopped.stop()
            while_stopped = await over_lmtp(port, letter)
            again = cluster.start()
            try:
                cluster.wait_ready(again)
                once_back = await over_lmtp(port, letter)
                mails = await office.rows(Mail)
            finally:
                await engine.dispose()
                again.stop()

    assert (while_stopped[-1], once_back[-1]) == (451, 250)
    assert len(mails) == 1


async def test_serving_says_when_it_is_ready_and_ends_on_sigterm(
    office: Office, tmp_path: Path
) -> None:
    ready = tmp_path / "ready" / "intake"
    settings = settings_for(
        office.url,
        ECHEANCE_LMTP_PORT=str(await a_closed_port()),
        ECHEANCE_READY_FILE=str(ready),
        ECHEANCE_TEMPORAL_ADDRESS=f"127.0.0.1:{await a_closed_port()}",
    )
    serving = asyncio.create_task(serve(settings))
    while not ready.exists():
        assert not serving.done()
        await asyncio.sleep(0)

    idle = await asyncio.to_thread(smtplib.LMTP, "127.0.0.1", settings.lmtp_port)
    codes = await over_lmtp(settings.lmtp_port, handing_over(a_letter("Bonjour")))
    os.kill(os.getpid(), signal.SIGTERM)
    await serving

    assert codes[-1] == 250
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await asyncio.to_thread(idle.noop)
    assert len(await office.rows(Mail)) == 1
