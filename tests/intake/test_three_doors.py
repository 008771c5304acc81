"""Three doors, one handler: the corpus by LMTP, by dovecot and IMAP, and posted."""

import asyncio
import re
import smtplib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import select, text
from temporalio.client import Client

from intake.delivery import Courier
from intake.imap import Reader
from intake.mail import MailRoom
from records.models import FactRow, Letter, Mail, TaskRow
from tests.activities.office import Office
from tests.api.doors import open_doors, the_settings
from tests.api.test_mail import post
from tests.dossiers import a_holder, a_newcomer
from tests.intake.corpus import CASES
from tests.intake.dovecot import Dovecot, a_mail_server
from tests.intake.feeding import handed_on, recipient_of, sender_of
from tests.intake.messages import NEW, OLD, OTHER, OUR_LETTER
from tests.intake.test_lmtp import at
from tests.intake.writing import we_wrote
from tests.upkeep.server import settings_for

AUTHSERV_ID = "mx.echeance.example"
# IMAP can carry no NUL: the server puts another byte in its place.
CORPUS = tuple(case for case in CASES if b"\0" not in case.raw)
Heard: TypeAlias = dict[str, tuple[Any, ...]]
Feed: TypeAlias = Callable[[Sequence[bytes]], Awaitable[None]]


def the_corpus() -> list[bytes]:
    """Give each message a name of its own, and a Message-ID of its own."""
    return [
        f"X-Case: {number}\r\n".encode()
        + case.raw.replace(b"<a1@courriel", b"<a%d@courriel" % number)
        for number, case in enumerate(CORPUS)
    ]


async def the_records(office: Office) -> None:
    """Put what the corpus speaks of in the records."""
    await office.place(a_holder(date(2026, 10, 1), number=OLD), person="Marie Lavoie")
    await office.place(a_newcomer(number=NEW), person="Marie Lavoie")
    await office.place(a_newcomer(number=OTHER), person="Luc Gagné")
    await we_wrote(office, to=NEW)
    async with office.sessions.begin() as session:
        await session.execute(
            text("UPDATE letters SET message_id = :ours"), {"ours": OUR_LETTER}
        )


@dataclass
class Doors:
    """The three ways in, each from its outermost end."""

    office: Office
    room: MailRoom
    server: Dovecot
    folder: Path

    async def lmtp(self, letters: Sequence[bytes]) -> None:
        async with at(self.room) as port:
            handed = [handed_on(raw) for raw in letters]
            await asyncio.to_thread(hand_over, port, handed)

    async def imap(self, letters: Sequence[bytes]) -> None:
        await asyncio.to_thread(hand_over, self.server.ports.lmtp, letters)
        reader = Reader(self.server.mailbox(), self.room)
        reader.start()
        async with asyncio.timeout(60):
            while self.server.held() > 0:
                await asyncio.sleep(0.02)
                assert self.server.held() <= len(letters)
        await reader.stop()

    async def webhook(self, letters: Sequence[bytes]) -> None:
        settings = the_settings(
            self.office.url,
            self.folder,
            "127.0.0.1:1",
            ECHEANCE_MAIL_AUTHSERV_ID=AUTHSERV_ID,
        )
        async with open_doors(settings) as doors:
            for raw in letters:
                answer = await post(
                    doors, handed_on(raw), **{"Envelope-To": recipient_of(raw)}
                )
                assert answer.status_code == 200


def hand_over(port: int, letters: Sequence[bytes]) -> None:
    with smtplib.LMTP("127.0.0.1", port) as door:
        for raw in letters:
            assert door.sendmail(sender_of(raw), [recipient_of(raw)], raw) == {}


async def what_was_heard(office: Office) -> Heard:
    """Tell of each message what was read in it and what became of it."""
    facts = {row.fact_id: row for row in await office.rows(FactRow)}
    tasks = {row.task_id: row for row in await office.rows(TaskRow)}
    heard: Heard = {}
    for mail in await office.rows(Mail):
        became = mail.understood.pop("became")
        fact, task = facts.get(became["fact_id"]), tasks.get(became["task_id"])
        heard[case_of(mail.raw)] = (
            *(mail.outcome, mail.dossier, mail.sender, mail.message_id),
            mail.understood,
            fact and (fact.dossier, fact.kind, asked(fact.body)),
            task and (task.reason, task.dossier),
        )
    return heard


def case_of(raw: bytes) -> str:
    found = re.search(rb"X-Case: (\d+)", raw)
    assert found
    return found[1].decode()


def asked(body: dict[str, Any]) -> list[Any]:
    told = ("wish", "certificate", "missing", "letter_key")
    return [body.get(name) for name in told]


async def forget(office: Office) -> None:
    """Begin with the records as they were; what is append-only is told to let go."""
    async with office.sessions.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text("TRUNCATE mails, facts, tasks, texts"))
        await session.execute(text("UPDATE letters SET state = 'accepted'"))


@pytest.fixture
def room(office: Office, temporal_away: Client) -> MailRoom:
    """The mail room of a house whose mail server checks senders."""
    settings = settings_for(office.url, ECHEANCE_MAIL_AUTHSERV_ID=AUTHSERV_ID)
    return MailRoom(office.sessions, Courier(office.sessions, temporal_away), settings)


@pytest.mark.timeout(180)
async def test_each_message_has_one_outcome_by_whatever_door_it_comes(
    office: Office, room: MailRoom, open_folder: Path, tmp_path: Path
) -> None:
    letters = the_corpus()
    await the_records(office)
    with a_mail_server(open_folder) as server:
        doors = Doors(office, room, server, tmp_path)
        heard: dict[str, Heard] = {}
        feeds: tuple[Feed, ...] = (doors.lmtp, doors.imap, doors.webhook)
        for feed in feeds:
            await forget(office)
            await feed(letters)
            heard[feed.__name__] = await what_was_heard(office)
        # And on top of that, those that have a name a second and a third time.
        facts = len(await office.rows(FactRow))
        named = [mail.raw for mail in await office.rows(Mail) if mail.message_id]
        again = [letters[int(case_of(raw))] for raw in named]
        await doors.lmtp(again)
        await doors.imap(again)

    assert len(heard["lmtp"]) == len(letters)
    assert {outcome for outcome, *_ in heard["lmtp"].values()} == {
        *("fact", "task", "ignored", "set_aside")
    }
    differ = {
        (door, case.name)
        for number, case in enumerate(CORPUS)
        for door in ("imap", "webhook")
        if heard[door][str(number)] != heard["lmtp"][str(number)]
    }
    assert differ == set()
    async with office.sessions() as session:
        copies = select(Mail.copies).where(Mail.message_id.is_not(None))
        assert set(await session.scalars(copies)) == {3}
    assert len(await office.rows(FactRow)) == facts
    # Nothing was sent, to a person or to a robot.
    assert len(await office.rows(Letter)) == 1
