"""The door that is a mailbox, on a real server: nothing lost, nothing twice."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import SecretStr
from temporalio.client import Client

from embedded.places import CHECKOUT
from intake.delivery import Courier
from intake.imap import Reader
from intake.mail import MailRoom
from intake.mailbox import Mailbox
from records.database import make_engine, make_sessions
from records.models import DossierRow, FactRow, Mail, TaskRow
from tests.activities.office import Office
from tests.dossiers import NEWCOMER
from tests.intake.dovecot import KEPT, USERNAME, Dovecot, a_mail_server, written
from tests.intake.test_lmtp import a_database_of_our_own
from tests.intake.writing import BOTH, INTAKE, Listening, a_letter, marc_came_back
from tests.letters.test_relays import a_certificate
from tests.upkeep.server import settings_for

PROMPTLY = timedelta(milliseconds=200)
SELDOM = timedelta(minutes=1)
MEGABYTE = 1024 * 1024


@pytest.fixture
def server(open_folder: Path) -> Iterator[Dovecot]:
    with a_mail_server(open_folder) as server:
        yield server


@asynccontextmanager
async def reading(
    mailbox: Mailbox, room: MailRoom, look_every: timedelta = SELDOM
) -> AsyncIterator[None]:
    reader = Reader(mailbox, room, look_every=look_every, longest_pause=PROMPTLY)
    reader.start()
    try:
        yield
    finally:
        await reader.stop()
        await room.finish()


async def emptied(server: Dovecot, kept: int) -> None:
    """Wait until the folder is empty, and *kept* messages are where they belong."""
    async with asyncio.timeout(30):
        while server.held() > 0:
            assert server.held(KEPT) <= kept
            await asyncio.sleep(0.02)
    assert server.held(KEPT) == kept


async def arrived(server: Dovecot, kept: int) -> None:
    """Wait until *kept* messages were moved, whatever else the folder holds."""
    async with asyncio.timeout(30):
        while server.held(KEPT) < kept:
            await asyncio.sleep(0.02)
            assert server.held(KEPT) <= kept


async def said(caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Wait until the log says *words*."""
    async with asyncio.timeout(30):
        while words not in caplog.text:
            await asyncio.sleep(0.02)
            assert "Traceback" not in caplog.text


def some_letters(count: int, start: int = 0) -> list[bytes]:
    return [
        a_letter(BOTH, message_id=f"<{n}@courriel.example>")
        for n in range(start, start + count)
    ]


# ------------------------------------------------------------- kept, and then moved


async def test_a_letter_is_kept_and_then_moved(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    await marc_came_back(office)
    server.deliver(a_letter(BOTH))

    async with reading(server.mailbox(), room):
        await emptied(server, kept=1)

    [mail] = await office.rows(Mail)
    assert (mail.door, mail.outcome) == ("imap", "fact")
    assert len(await office.rows(FactRow)) == 1


async def test_accents_and_attachments_come_through_as_sent(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    letter = EmailMessage()
    letter["From"] = "Zoé Lévesque <zoe@courriel.example>"
    letter["Subject"] = "Échéance : déclaration d’été ☀"
    letter["Message-ID"] = "<ete@courriel.example>"
    letter.set_content("Voilà la déclaration.")
    letter.add_attachment(
        bytes(range(256)) * 50, "application", "pdf", filename="Déclaration été.pdf"
    )
    raw = letter.as_bytes()
    server.deliver(raw)

    async with reading(server.mailbox(), room):
        await emptied(server, kept=1)

    [mail] = await office.rows(Mail)
    assert mail.raw.rstrip().endswith(raw.replace(b"\n", b"\r\n").rstrip())
    assert mail.understood["subject"] == "Échéance : déclaration d’été ☀"


async def test_a_letter_is_dated_by_its_arrival_at_the_server_and_never_ahead(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    arrived = datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    ahead = datetime(2099, 1, 1, tzinfo=UTC)
    with server.looked_at() as client:
        for at, raw in zip((arrived, ahead), some_letters(2), strict=True):
            client.append("INBOX", "", f'"{at:%d-%b-%Y %H:%M:%S} +0000"', raw)

    async with reading(server.mailbox(), room):
        await emptied(server, kept=2)

    past, present = sorted(mail.received_at for mail in await office.rows(Mail))
    assert past == arrived
    assert abs(datetime.now(UTC) - present) < timedelta(minutes=1)


async def test_the_reading_is_told_for_whom_the_server_took_the_letter(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    room.__class__ = Listening
    assert isinstance(room, Listening)
    forged = b"Delivered-To: forged@echeance.example\n" + a_letter("Bonjour")
    server.deliver(forged, to="retour+items-missing.7f3a@echeance.example")

    async with reading(server.mailbox(), room):
        await emptied(server, kept=1)

    assert room.recipients == ("retour+items-missing.7f3a@echeance.example",)


async def test_two_hundred_letters_are_each_kept_once(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    server.deliver(*some_letters(200))

    async with reading(server.mailbox(), room):
        await emptied(server, kept=200)

    assert [mail.copies for mail in await office.rows(Mail)] == [1] * 200


async def test_two_readers_of_one_mailbox_lose_nothing_and_hear_nothing_twice(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    await marc_came_back(office)
    server.deliver(*some_letters(20))

    async with reading(server.mailbox(), room), reading(server.mailbox(), room):
        async with asyncio.timeout(30):
            while server.held() > 0:
                await asyncio.sleep(0.02)
                assert server.held() <= 20

    assert server.held(KEPT) >= 20  # a server may move for both
    assert len(await office.rows(Mail)) == len(await office.rows(FactRow)) == 20


async def test_a_letter_that_another_reader_has_just_moved_is_no_empty_letter(
    server: Dovecot,
) -> None:
    server.deliver(*some_letters(2))
    with server.mailbox().opened() as folder:
        gone, stays = folder.unread()
        with server.looked_at() as other:
            other.select()
            other.store("1", "+FLAGS", r"(\Deleted)")
            other.expunge()
        assert folder.fetch(gone) is None
        assert folder.fetch(stays) is not None


async def test_what_somebody_deleted_is_neither_read_nor_removed_for_them(
    office: Office, room: MailRoom, open_folder: Path
) -> None:
    with a_mail_server(open_folder, capability="IMAP4rev1 IDLE UIDPLUS") as server:
        server.deliver(*some_letters(2))
        with server.looked_at() as client:
            client.select()
            client.store("1", "+FLAGS", r"(\Deleted)")
        async with reading(server.mailbox(), room):
            await arrived(server, kept=1)
        assert server.held() == 1

    [mail] = await office.rows(Mail)
    assert mail.message_id == "<1@courriel.example>"


# ---------------------------------------------------------------- what servers can do


@pytest.mark.parametrize(
    "capability",
    ["IMAP4rev1 IDLE MOVE", "IMAP4rev1 UIDPLUS", "IMAP4rev1"],
    ids=["move", "copy and expunge", "copy only"],
)
async def test_a_server_that_can_do_little_is_read_too(
    office: Office, room: MailRoom, open_folder: Path, capability: str
) -> None:
    with a_mail_server(open_folder, capability=capability) as server:
        async with reading(server.mailbox(), room, look_every=PROMPTLY):
            for number in range(3):
                server.deliver(*some_letters(1, start=number))
                await arrived(server, kept=number + 1)
        left = server.held()

    # Without a way to remove one message alone, they stay, marked.
    assert left == (3 if capability == "IMAP4rev1" else 0)
    assert [mail.copies for mail in await office.rows(Mail)] == [1, 1, 1]


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
async def test_a_letter_wakes_the_reader_without_a_wait(
    office: Office,
    room: MailRoom,
    open_folder: Path,
    tls: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate = a_certificate(open_folder)
    certificate.chmod(0o644)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with a_mail_server(open_folder, certificate=certificate) as server:
        port = server.imaps if tls == "implicit" else server.imap
        async with reading(server.mailbox(tls=tls, port=port), room):
            for number in range(4):
                server.deliver(*some_letters(1, start=number))
                await emptied(server, kept=number + 1)  # far sooner than a look

    assert len(await office.rows(Mail)) == 4


# ------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_that_is_not_trusted_is_told_no_password(
    room: MailRoom, open_folder: Path, caplog: pytest.LogCaptureFixture, tls: str
) -> None:
    certificate = a_certificate(open_folder)
    certificate.chmod(0o644)
    with a_mail_server(open_folder, certificate=certificate) as server:
        port = server.imaps if tls == "implicit" else server.imap
        server.deliver(a_letter("Bonjour"))
        logins = server.log().count("Login:")
        async with reading(server.mailbox(tls=tls, port=port), room):
            await said(caplog, "no trusted TLS connection")
        assert server.log().count("Login:") == logins
        assert server.held() == 1


async def test_a_server_without_starttls_is_told_no_password(
    room: MailRoom, server: Dovecot, caplog: pytest.LogCaptureFixture
) -> None:
    logins = server.log().count("Login:")

    async with reading(server.mailbox(tls="starttls"), room):
        await said(caplog, "the server offers no STARTTLS")

    assert server.log().count("Login:") == logins


async def test_a_wrong_password_is_said_without_it_and_tried_again(
    office: Office,
    room: MailRoom,
    server: Dovecot,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    server.deliver(a_letter("Bonjour"))
    mailbox = server.mailbox(password=SecretStr("sésame"))

    async with reading(mailbox, room):
        await said(caplog, "the user name or the password is wrong; next try in")
        assert server.held() == 1
        server.stop()
        server.password = "sésame"
        server.start()
        await emptied(server, kept=1)

    assert "sésame" not in caplog.text
    assert USERNAME not in caplog.text
    assert len(await office.rows(Mail)) == 1


async def test_a_missing_folder_is_named_and_read_once_it_is_there(
    office: Office,
    room: MailRoom,
    server: Dovecot,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mailbox = server.mailbox(folder="Courriel reçu")

    async with reading(mailbox, room):
        await said(caplog, "there is no folder Courriel reçu")
        with server.looked_at() as client:
            client.create(written("Courriel reçu"))
            client.append(written("Courriel reçu"), "", "", a_letter("Bonjour"))
        await arrived(server, kept=1)

    assert len(await office.rows(Mail)) == 1


async def test_a_folder_for_kept_letters_that_disappears_is_made_again(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    async with reading(server.mailbox(), room):
        server.deliver(*some_letters(1))
        await emptied(server, kept=1)
        with server.looked_at() as client:
            client.delete(written(KEPT))
        server.deliver(*some_letters(1, start=1))
        await emptied(server, kept=1)

    assert [mail.copies for mail in await office.rows(Mail)] == [1, 1]


async def test_a_server_that_is_killed_is_read_again_once_it_is_back(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    await marc_came_back(office)
    letters = some_letters(60)
    async with reading(server.mailbox(), room):
        for start in (0, 20, 40):
            server.deliver(*letters[start : start + 20])
            server.kill()
            server.start()
        await emptied(server, kept=60)

    assert len(await office.rows(Mail)) == len(await office.rows(FactRow)) == 60


async def test_a_letter_stays_in_the_mailbox_while_the_database_is_stopped(
    open_folder: Path,
    temporal_away: Client,
    server: Dovecot,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.deliver(*some_letters(3))
    with a_database_of_our_own(open_folder / "away") as cluster:
        engine = make_engine(cluster.url())
        office = Office(cluster.url(), make_sessions(engine))
        room = MailRoom(
            office.sessions,
            Courier(office.sessions, temporal_away),
            settings_for(cluster.url()),
        )
        cluster.start().stop()
        async with reading(server.mailbox(), room):
            await said(caplog, "the database is away, the messages wait")
            assert server.held() == 3
            again = cluster.start()
            try:
                await emptied(server, kept=3)
                mails = await office.rows(Mail)
            finally:
                await engine.dispose()
                again.stop()

    assert len(mails) == 3


async def test_our_death_between_keeping_and_moving_only_makes_a_known_copy(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    await marc_came_back(office)
    server.deliver(*some_letters(5))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONTZPATH": "",
        "PYTHONPATH": str(CHECKOUT),
        "ECHEANCE_DATABASE_URL": office.url,
        "ECHEANCE_MAIL_KEY": "key-of-the-tests",
        "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_dGVzdHM=",
        "ECHEANCE_IMAP_HOST": "127.0.0.1",
        "ECHEANCE_IMAP_PORT": str(server.imap),
        "ECHEANCE_IMAP_TLS": "none",
        "ECHEANCE_IMAP_USERNAME": USERNAME,
        "ECHEANCE_IMAP_PASSWORD": server.password,
        "ECHEANCE_IMAP_KEPT_FOLDER": KEPT,
    }
    command = (sys.executable, "-m", "tests.intake.reading_alone")
    for dies_at in (1, 2, 3):
        doomed = await asyncio.create_subprocess_exec(
            *command, str(dies_at), env=environment, cwd=CHECKOUT
        )
        assert await doomed.wait() == -signal.SIGKILL
    # Each life moved what it had kept before, and died over one more.
    assert (server.held(), server.held(KEPT)) == (2, 3)

    async with reading(server.mailbox(), room):
        await emptied(server, kept=5)

    # Three deaths, three messages met twice.
    assert sum(mail.copies - 1 for mail in await office.rows(Mail)) == 3
    assert len(await office.rows(Mail)) == len(await office.rows(FactRow)) == 5


# ---------------------------------------------------- letters that are not like others


async def test_a_letter_too_large_is_kept_by_its_headers_for_a_person(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    large = (
        a_letter(f"Mon nouveau dossier : {NEWCOMER}") + (b"x" * 70 + b"\n") * 160_000
    )
    assert len(large) > 10 * MEGABYTE
    server.deliver(large, *some_letters(1, start=2))

    async with reading(server.mailbox(), room):
        await emptied(server, kept=2)

    by_id = {mail.message_id: mail for mail in await office.rows(Mail)}
    mail = by_id["<1@courriel.example>"]
    assert mail.raw.endswith(b"\r\n\r\n")
    assert len(mail.raw) < 2_000
    assert (mail.outcome, mail.understood["problem"]) == ("task", "too_large")
    assert mail.mail_id in [task.about for task in await office.rows(TaskRow)]


async def test_a_poisoned_letter_is_a_persons_task_and_the_next_ones_go_on(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    await marc_came_back(office)
    async with office.sessions.begin() as session:
        (await session.get_one(DossierRow, NEWCOMER)).facts = {}
    server.deliver(*some_letters(1), a_letter("Bonjour"))

    async with reading(server.mailbox(), room):
        await emptied(server, kept=2)

    problems = [mail.understood["problem"] for mail in await office.rows(Mail)]
    assert problems == ["unexpected", None]
    assert len(await office.rows(TaskRow)) == 2


async def test_the_reader_stops_though_the_server_says_nothing_any_more(
    room: MailRoom,
) -> None:
    connected, gone = asyncio.Event(), asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        connected.set()
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mailbox = Mailbox("127.0.0.1", port, "none", "a", SecretStr("b"), "INBOX", KEPT)
    async with server:
        async with asyncio.timeout(15), reading(mailbox, room):
            await connected.wait()
        gone.set()


async def test_the_intake_address_is_not_asked_of_a_mailbox(
    office: Office, room: MailRoom, server: Dovecot
) -> None:
    server.deliver(a_letter("Bonjour"), to="ancienne-adresse@echeance.example")

    async with reading(server.mailbox(), room):
        await emptied(server, kept=1)

    [mail] = await office.rows(Mail)
    assert INTAKE.encode() in mail.raw
