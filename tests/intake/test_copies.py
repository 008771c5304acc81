"""One message is stored once, by whatever doors and under whatever trace it comes."""

import asyncio
import quopri
import random
import tracemalloc
from collections.abc import Callable
from datetime import timedelta

import pytest

from intake.arrival import Door
from intake.mail import MailRoom, Outcome
from records.models import DossierRow, FactRow, Mail, TaskRow
from tests.activities.office import Office
from tests.dossiers import NEWCOMER
from tests.intake.corpus import CASES
from tests.intake.writing import (
    BOTH,
    RECEIVED_AT,
    a_letter,
    marc_came_back,
    take,
    the_task,
)

MEGABYTE = 1024 * 1024
IN_EIGHT_BITS = (
    "From: Marc Roy <marc@courriel.example>\nTo: infocertificat@echeance.example\n"
    "Subject: Mon dossier\nMessage-ID: <1@courriel.example>\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    f"{BOTH}\nFrom time to time  \nÀ bientôt, 1 + 1 = 2 \n\n"
).encode()


def carried(raw: bytes, server: str) -> bytes:
    """The trace that one more server writes above a message."""
    return (
        f"Return-Path: <marc@courriel.example>\nDelivered-To: {server}@x.example\n"
        f"Received: from a.example by {server}.example; Tue, 24 Nov 2026 10:00:00\n"
    ).encode() + raw


def with_line_ends(raw: bytes) -> bytes:
    return raw.replace(b"\n", b"\r\n")


def in_a_file_of_messages(raw: bytes) -> bytes:
    return raw.replace(b"\nFrom ", b"\n>From ") + b"\n\n"


def without_space_at_line_ends(raw: bytes) -> bytes:
    return b"\n".join(line.rstrip() for line in raw.split(b"\n"))


def encoded_anew(raw: bytes) -> bytes:
    headers, _, body = raw.partition(b"\n\n")
    headers = headers.replace(b"8bit", b"quoted-printable")
    return headers + b"\n\n" + quopri.encodestring(body)


def with_another_header_line_end(raw: bytes) -> bytes:
    headers, _, body = raw.partition(b"\n\n")
    return headers.replace(b"\n", b"\r\n") + b"\n\n" + body


def with_folded_subject(raw: bytes) -> bytes:
    return raw.replace(b"Subject: Mon dossier", b"Subject: Mon\n\tdossier")


REWRITES: tuple[Callable[[bytes], bytes], ...] = (
    with_line_ends,
    in_a_file_of_messages,
    without_space_at_line_ends,
    encoded_anew,
    with_folded_subject,
    with_another_header_line_end,
)


@pytest.mark.parametrize("rewritten", REWRITES, ids=lambda rewrite: rewrite.__name__)
async def test_what_servers_change_on_the_way_makes_no_second_message(
    office: Office, room: MailRoom, rewritten: Callable[[bytes], bytes]
) -> None:
    await marc_came_back(office)
    raw = IN_EIGHT_BITS
    other = carried(rewritten(raw), "imap")
    assert rewritten(raw) != raw

    first = await take(room, carried(raw, "lmtp"))
    again = await room.keep(other, received_at=RECEIVED_AT, door=Door.IMAP)

    assert again == first
    assert first.outcome is Outcome.FACT
    [mail] = await office.rows(Mail)
    assert (mail.copies, mail.door) == (2, "lmtp")
    assert mail.raw == carried(raw, "lmtp")
    assert len(await office.rows(FactRow)) == 1


async def test_a_text_right_under_its_headers_is_known_again(
    office: Office, room: MailRoom
) -> None:
    raw = IN_EIGHT_BITS.replace(b"\n\n", b"\n", 1)

    for server in ("lmtp", "imap"):
        await take(room, carried(raw, server))

    [mail] = await office.rows(Mail)
    assert mail.copies == 2


@pytest.mark.parametrize(
    "other",
    [
        a_letter(BOTH + "\nP.-S. Merci encore."),
        a_letter(BOTH, message_id="<2@courriel.example>"),
        a_letter(BOTH, sender="Marc Roy <marc@ailleurs.example>"),
        a_letter(BOTH, subject=f"Mon dossier {NEWCOMER}"),
    ],
    ids=["text", "Message-ID", "sender", "subject"],
)
async def test_another_text_message_id_sender_or_subject_is_another_message(
    office: Office, room: MailRoom, other: bytes
) -> None:
    await marc_came_back(office)

    await take(room, a_letter(BOTH))
    await take(room, other)

    mails = await office.rows(Mail)
    assert [mail.copies for mail in mails] == [1, 1]


async def test_without_a_message_id_only_the_same_bytes_are_the_same_message(
    office: Office, room: MailRoom
) -> None:
    raw = a_letter("Bonjour").replace(b"Message-ID: <1@courriel.example>\n", b"")

    for _ in range(2):
        await take(room, raw)
    await take(room, carried(raw, "imap"))

    assert sorted(mail.copies for mail in await office.rows(Mail)) == [1, 2]


async def test_hundreds_of_copies_under_as_many_traces_are_one_row_and_one_fact(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)
    raw = a_letter(BOTH)

    answers = {await take(room, carried(raw, f"r{n}")) for n in range(300)}

    assert len(answers) == 1
    [mail] = await office.rows(Mail)
    assert mail.copies == 300
    assert len(await office.rows(FactRow)) == 1


async def test_a_copy_is_recognised_without_the_first_one_in_memory(
    office: Office, room: MailRoom
) -> None:
    small, large = a_letter("Bonjour"), a_letter("x" * 70 + "\n") + b"y" * MEGABYTE * 8
    first = await take(room, carried(large, "a"))
    await take(room, small)
    tracemalloc.start()
    try:
        copy = await take(room, carried(large, "b"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert copy == first
    # The body once as it came, and three times while its hash is worked out.
    assert peak < 5 * 8 * MEGABYTE


@pytest.mark.parametrize("text", [BOTH, "Bonjour, quelles sont vos heures ?"])
async def test_fifty_copies_at_one_moment_by_two_doors_are_one_fact_or_task(
    office: Office, room: MailRoom, text: str
) -> None:
    await marc_came_back(office)
    raw = a_letter(text, sender="Marc Roy <marc@ailleurs.example>")
    doors = (Door.LMTP, Door.IMAP)

    answers = await asyncio.gather(
        *(
            room.keep(
                carried(raw, f"r{n}"),
                received_at=RECEIVED_AT + timedelta(seconds=n),
                door=doors[n % 2],
            )
            for n in range(50)
        )
    )

    assert len(set(answers)) == 1
    [mail] = await office.rows(Mail)
    assert mail.copies == 50
    facts, tasks = await office.rows(FactRow), await office.rows(TaskRow)
    assert len(facts) + len(tasks) == 1


async def test_many_messages_at_one_moment_are_each_heard_once(
    office: Office, room: MailRoom
) -> None:
    await marc_came_back(office)
    letters = [a_letter(BOTH, message_id=f"<{n}@courriel.example>") for n in range(10)]

    await asyncio.gather(*(take(room, letter) for letter in letters * 3))

    assert [mail.copies for mail in await office.rows(Mail)] == [3] * 10
    assert len(await office.rows(FactRow)) == 10


# ---------------------------------------------------- no letter keeps itself from us

SPICE = (
    b"\0",
    b"\xff",
    b"\r",
    b"\n\n",
    b"=?utf-8?b?7aCA?=",
    b"\xed\xa0\x80",
    b"<\0@\xff>",
)
POISONS = (
    b"",
    b"\0" * 100,
    b"\r\r",
    b"From: a@b.example\r\nMessage-ID: <\0\xff@x>\r\n\r\n\0",
    b"Message-ID: <" + "é".encode() * 240 + b"@x>\n\n",
    b"From: a@b.example\n" + b"Content-Type: message/rfc822\n\n" * 1_000,
    b"Subject: " + b"x" * 300_000 + b"\n\nBonjour",
    b"Received: from a.example\n" * 40 + a_letter(BOTH),
)


async def test_no_content_whatever_keeps_a_letter_from_being_kept(
    office: Office, room: MailRoom
) -> None:
    dice = random.Random(72)
    letters = set(POISONS)
    for case in CASES[::3]:
        at = dice.randrange(len(case.raw))
        letters.add(case.raw[:at] + dice.choice(SPICE) + case.raw[at:])
        letters.add(bytes(dice.randrange(256) for _ in range(dice.randrange(200))))

    kept = {(await take(room, raw)).mail_id for raw in letters}

    mails = await office.rows(Mail)
    assert {mail.mail_id for mail in mails} == kept
    assert sum(mail.copies for mail in mails) == len(letters)


async def test_a_letter_that_cannot_be_followed_is_a_persons_task_and_stops_no_other(
    office: Office, room: MailRoom, caplog: pytest.LogCaptureFixture
) -> None:
    await marc_came_back(office)
    async with office.sessions.begin() as session:
        row = await session.get_one(DossierRow, NEWCOMER)
        row.facts = {"number": "what no reading of a dossier expects"}

    poison = await take(room, a_letter(f"Mon nouveau dossier : {NEWCOMER}"))
    again = await take(room, a_letter(f"Mon nouveau dossier : {NEWCOMER}"))
    await take(room, a_letter("Bonjour", message_id="<2@courriel.example>"))

    assert again == poison
    assert (poison.outcome, poison.reason) == (Outcome.TASK, "mail_broken")
    mail = await office.one(Mail, poison.mail_id)
    assert mail.raw == a_letter(f"Mon nouveau dossier : {NEWCOMER}")
    assert mail.understood["problem"] == "unexpected"
    assert len(await office.rows(Mail)) == 2
    assert NEWCOMER not in caplog.text


async def test_a_message_kept_by_its_headers_says_that_it_was_too_large(
    office: Office, room: MailRoom
) -> None:
    headers = a_letter("").partition(b"\n\n")[0] + b"\n\n"

    taken = await room.keep(
        headers, received_at=RECEIVED_AT, door=Door.IMAP, headers_only=True
    )

    assert (await the_task(office)).about == taken.mail_id
    mail = await office.one(Mail, taken.mail_id)
    assert mail.understood["problem"] == "too_large"
