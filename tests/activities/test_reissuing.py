"""A certificate is printed again: one copy for each order, killed or not, and why."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from activities.issuing import NOTHING, Issuing
from documents.sealing import is_intact_and_trusted
from documents.signing import DocumentSigner
from letters.compose import plain_of
from records.documents import copies_of
from records.models import (
    DocumentRow,
    Letter,
    Person,
    TaskRow,
    WrittenText,
)
from rules.dossier import Ending, EndReason
from tests.activities.attempt import a_post, attempt
from tests.activities.certifying import certify, make_key, settings_with_a_key
from tests.activities.office import Office, run
from tests.activities.posting import read, sending
from tests.documents.reading import opened, squeezed
from tests.dossiers import HOLDER, TODAY, a_holder, noon
from tests.letters.relay import ScriptedRelay
from workflows.messages import LetterOrder, Posted
from workflows.resending import copy_of

TERM = a_holder().terms[-1]
WHY = "Votre nom était mal écrit."
pytestmark = pytest.mark.usefixtures("holder")


@pytest.fixture
async def issuing(office: Office, tmp_path: Path) -> Issuing:
    await certify(office)
    await office.add(
        WrittenText(text_id="why", dossier=HOLDER, text=WHY, by="staff:claire")
    )
    settings = settings_with_a_key(office.url, make_key(tmp_path))
    return Issuing(office.sessions, settings)


def first_order() -> LetterOrder:
    return LetterOrder(
        key=f"{HOLDER}/{TERM.start}/certificate_issued",
        dossier=HOLDER,
        notice="certificate_issued",
        occurred_at=noon(TERM.start),
        echeance=TERM.echeance,
        act_before=TERM.echeance - timedelta(days=1),
    )


async def ordered(office: Office, name: str = "1") -> LetterOrder:
    """Order a copy, as the story does it, with its letter's row."""
    order = LetterOrder(
        key=f"{HOLDER}/reissue-{name}/certificate_reissued",
        dossier=HOLDER,
        notice="certificate_reissued",
        occurred_at=noon(TODAY),
        term_start=TERM.start,
        echeance=TERM.echeance,
        text_id="why",
    )
    await place(office, order)
    return order


async def place(office: Office, order: LetterOrder) -> None:
    await office.add(
        Letter(
            key=order.key,
            dossier=HOLDER,
            notice=order.notice,
            ordered=order.model_dump(mode="json"),
            occurred_at=order.occurred_at,
        )
    )


async def editions(office: Office) -> list[tuple[int, str | None]]:
    async with office.sessions() as session:
        copies = await copies_of(session, HOLDER)
    return [(copy.edition, copy.reason) for copy in copies]


async def corrected(office: Office, echeance: date) -> None:
    await office.restate(a_holder(), terms=(replace(TERM, echeance=echeance),))


async def renamed(office: Office, name: str) -> None:
    async with office.sessions.begin() as session:
        await session.execute(update(Person).values(name=name))


async def test_an_order_makes_one_copy_however_often_it_is_attempted(
    office: Office, issuing: Issuing
) -> None:
    await issuing.enclosed_in(first_order())
    order = await ordered(office)
    first = await issuing.enclosed_in(order)
    again = await asyncio.gather(*(issuing.enclosed_in(order) for _ in range(3)))
    assert [each.files for each in again] == [first.files] * 3
    assert (first.edition, first.replaced_last_day) == (2, None)
    assert await editions(office) == [(2, WHY), (1, None)]


async def test_attempts_at_one_instant_make_one_copy(
    office: Office, issuing: Issuing
) -> None:
    await issuing.enclosed_in(first_order())
    order = await ordered(office)
    given = await asyncio.gather(*(issuing.enclosed_in(order) for _ in range(5)))
    assert len({each.files for each in given}) == 1
    assert await editions(office) == [(2, WHY), (1, None)]


async def test_two_orders_at_one_instant_are_two_copies_each_with_its_reason(
    office: Office, issuing: Issuing
) -> None:
    await issuing.enclosed_in(first_order())
    orders = [await ordered(office, name) for name in ("1", "2", "3")]
    await asyncio.gather(*(issuing.enclosed_in(order) for order in orders))
    assert await editions(office) == [(4, WHY), (3, WHY), (2, WHY), (1, None)]
    # Whichever leaves last, it brings no copy that was replaced.
    for order in orders:
        assert (await issuing.enclosed_in(order)).edition == 4


async def test_the_second_copy_says_so_and_is_signed(
    office: Office, issuing: Issuing, tmp_path: Path
) -> None:
    await issuing.enclosed_in(first_order())
    (file,) = (await issuing.enclosed_in(await ordered(office))).files
    said = squeezed(opened(file.content).text())
    assert squeezed("n° 2, du mardi 24 novembre 2026 : il remplace") in said
    assert squeezed("le mardi 10 décembre 2024") in said  # the certificate's issue
    assert HOLDER in said
    pems = ((tmp_path / name).read_bytes() for name in ("key.pem", "chain.pem"))
    chain = DocumentSigner.read(*pems).chain
    assert await asyncio.to_thread(is_intact_and_trusted, file.content, chain)


async def test_a_copy_made_after_a_correction_says_the_new_day(
    office: Office, issuing: Issuing
) -> None:
    await issuing.enclosed_in(first_order())
    await corrected(office, date(2026, 12, 20))
    await renamed(office, "Marc-André Roy")
    enclosed = await issuing.enclosed_in(await ordered(office))
    assert enclosed.last_valid_day == date(2026, 12, 19)
    assert enclosed.replaced_last_day == date(2026, 12, 9)
    said = squeezed(opened(enclosed.files[0].content).text())
    assert squeezed("19 décembre 2026") in said
    assert squeezed("Marc-André Roy") in said


async def test_a_certificate_that_was_never_printed_has_a_first_copy_and_no_reason(
    office: Office, issuing: Issuing
) -> None:
    await renamed(office, "𒀀𒀁")
    unprinted = first_order()
    await place(office, unprinted)
    assert await issuing.enclosed_in(unprinted) == NOTHING
    order = await ordered(office)
    assert await issuing.enclosed_in(order) == NOTHING
    assert {t.closed_at for t in await office.rows(TaskRow)} == {None}
    await renamed(office, "Anna Roy")
    assert (await issuing.enclosed_in(order)).edition == 1
    assert await editions(office) == [(1, None)]
    # Both tasks are about what is printed now: nobody has to look any more.
    tasks = await office.rows(TaskRow)
    assert [task.closed_at for task in tasks] == [noon(TODAY)] * 2
    # And the next order makes a second one.
    assert (await issuing.enclosed_in(await ordered(office, "2"))).edition == 2


async def test_an_older_letter_brings_the_newest_copy(
    office: Office, issuing: Issuing
) -> None:
    await issuing.enclosed_in(first_order())
    order = await ordered(office)
    made = await issuing.enclosed_in(order)
    late = await issuing.enclosed_in(first_order())
    assert late.files == made.files
    for first in (first_order(), order):
        again = copy_of(first, "resend-1", noon(TODAY))
        assert (await issuing.enclosed_in(again)).files == made.files
    assert len(await editions(office)) == 2


async def test_a_term_undone_or_a_closed_dossier_has_nothing_to_print(
    office: Office, issuing: Issuing
) -> None:
    order = await ordered(office)
    other = order.model_copy(update={"term_start": TODAY})
    assert await issuing.enclosed_in(other) == NOTHING
    ending = Ending(EndReason.CANCELLED, TODAY)
    await office.restate(a_holder(), ending=ending)
    assert await issuing.enclosed_in(order) == NOTHING
    assert await office.rows(DocumentRow) == []


async def test_without_a_key_a_copy_is_a_task_and_its_letter_does_not_leave(
    office: Office, issuing: Issuing, relay: ScriptedRelay, tmp_path: Path
) -> None:
    settings = settings_with_a_key(office.url, tmp_path).model_copy(
        update={"signing_key_file": None}
    )
    keyless = Issuing(office.sessions, settings)
    order = await ordered(office)
    letters = sending(office, a_post(relay.port), keyless)
    assert await run(letters.send_letter, order) is Posted.SKIPPED
    assert relay.taken == []
    row = await office.one(Letter, order.key)
    assert (row.state, row.answer) == ("cancelled", "no certificate")
    (task,) = await office.rows(TaskRow)
    assert (task.reason, task.about) == ("certificate_not_printed", order.key)
    # A copy that is kept needs no key to be given.
    await issuing.enclosed_in(first_order())
    assert (await keyless.enclosed_in(first_order())).edition == 1


async def test_the_letter_brings_the_copy_its_reason_and_the_day_it_says(
    office: Office, issuing: Issuing, relay: ScriptedRelay
) -> None:
    await issuing.enclosed_in(first_order())
    order = await ordered(office)
    await corrected(office, date(2026, 12, 20))
    letters = sending(office, a_post(relay.port), issuing)
    assert await run(letters.send_letter, order) is Posted.ACCEPTED
    message = read(relay.taken[0])
    (file,) = message.iter_attachments()
    assert file.get_filename() == f"{HOLDER}.pdf"
    text = " ".join(plain_of(message).split())
    assert "no 2" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert WHY in text
    assert "samedi 19 décembre 2026" in text
    assert "le mercredi 9 décembre 2026" in text
    assert (await office.one(Letter, order.key)).ordered["edition"] == 2


@pytest.mark.parametrize("point", ["before_document", "after_document", "after_claim"])
async def test_killed_between_printing_and_keeping_there_is_one_copy(
    office: Office,
    issuing: Issuing,
    relay: ScriptedRelay,
    tmp_path: Path,
    point: str,
) -> None:
    await issuing.enclosed_in(first_order())
    order, post = await ordered(office), a_post(relay.port)
    code = await attempt(order, office.url, crash_at=point, post=post, key_in=tmp_path)
    assert code == -9
    letters = sending(office, post, issuing)
    assert await run(letters.send_letter, order) is Posted.ACCEPTED
    assert await editions(office) == [(2, WHY), (1, None)]
    (taken,) = relay.taken
    (file,) = read(taken).iter_attachments()
    (kept,) = [r for r in await office.rows(DocumentRow) if r.edition == 2]
    assert file.get_content() == kept.pdf


async def test_a_copy_forgotten_with_its_person_is_not_made_again(
    office: Office, issuing: Issuing
) -> None:
    order = await ordered(office)
    assert (await issuing.enclosed_in(order)).edition == 1
    async with office.sessions.begin() as session:
        await session.execute(delete(DocumentRow))
    assert await issuing.enclosed_in(order) == NOTHING
    assert await office.rows(DocumentRow) == []
