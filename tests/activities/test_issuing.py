"""The certificate that a letter brings: made once, the same at each attempt."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

from activities.issuing import NOTHING, Issuing
from documents.sealing import is_intact_and_trusted
from documents.signing import DocumentSigner
from records.models import DocumentRow, Person, TaskRow
from tests.activities.certifying import certify, make_key, settings_with_a_key
from tests.activities.office import Office
from tests.dossiers import HOLDER, TODAY, a_holder, noon
from workflows.messages import LetterOrder

ECHEANCE = a_holder().terms[-1].echeance
pytestmark = pytest.mark.usefixtures("holder")


@pytest.fixture
async def issuing(office: Office, tmp_path: Path) -> Issuing:
    await certify(office)
    settings = settings_with_a_key(office.url, make_key(tmp_path))
    return Issuing(office.sessions, settings)


def an_order(notice: str = "certificate_issued") -> LetterOrder:
    return LetterOrder(
        key=f"{HOLDER}/2026/{notice}",
        dossier=HOLDER,
        notice=notice,
        # An hour as a workflow gives it, to the microsecond.
        occurred_at=noon(TODAY).replace(microsecond=123456),
        echeance=ECHEANCE,
    )


async def test_the_letter_brings_one_signed_file_at_each_attempt(
    office: Office, issuing: Issuing, tmp_path: Path
) -> None:
    first = await issuing.enclosed_in(an_order())
    again = await issuing.enclosed_in(an_order())
    assert first == again
    (file,) = first.files
    assert (first.edition, first.replaced_last_day) == (1, None)
    assert file.name == f"{HOLDER}.pdf"
    pems = ((tmp_path / name).read_bytes() for name in ("key.pem", "chain.pem"))
    signer = DocumentSigner.read(*pems)
    # It has a loop of its own.
    assert await asyncio.to_thread(is_intact_and_trusted, file.content, signer.chain)
    (kept,) = await office.rows(DocumentRow)
    assert kept.pdf == file.content


async def test_other_letters_bring_nothing(office: Office, issuing: Issuing) -> None:
    assert await issuing.enclosed_in(an_order("receipt")) == NOTHING
    assert await office.rows(DocumentRow) == []


async def test_a_term_that_was_undone_has_no_certificate(
    office: Office, issuing: Issuing
) -> None:
    order = an_order().model_copy(update={"echeance": TODAY})
    assert await issuing.enclosed_in(order) == NOTHING


async def test_a_name_no_font_can_show_holds_no_letter_back(
    office: Office, issuing: Issuing
) -> None:
    async with office.sessions.begin() as session:
        await session.execute(update(Person).values(name="𒀀𒀁"))
    assert await issuing.enclosed_in(an_order()) == NOTHING
    assert await issuing.enclosed_in(an_order()) == NOTHING
    (task,) = await office.rows(TaskRow)
    assert task.reason == "certificate_not_printed"


async def test_without_a_key_letters_leave_without_a_file(
    office: Office, issuing: Issuing, tmp_path: Path
) -> None:
    settings = settings_with_a_key(office.url, tmp_path).model_copy(
        update={"signing_key_file": None}
    )
    keyless = Issuing(office.sessions, settings)
    assert await keyless.enclosed_in(an_order()) == NOTHING
