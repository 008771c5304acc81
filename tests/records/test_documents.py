"""Certificates as files: issued once, again only with a reason, never altered."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from records.database import Sessions
from records.documents import (
    DocumentKey,
    NewDocument,
    document_kept,
    keep_document,
    newest_document,
)
from records.models import Certificate, DocumentRow
from rules.dossier import Kind
from tests.activities.office import Office
from tests.dossiers import HOLDER, NEWCOMER, a_holder

FIRST = DocumentKey(certificate=HOLDER, term_start=date(2024, 12, 10))
ISSUED_AT = datetime(2024, 12, 10, 15, tzinfo=UTC)


def a_document(
    key: DocumentKey = FIRST, *, reason: str | None = None, pdf: bytes = b"%PDF-1.7"
) -> NewDocument:
    return NewDocument(
        key=key,
        kind=Kind.CAR,
        language="fr",
        issued_at=ISSUED_AT,
        reason=reason,
        sha256="ab" * 32,
        facts={"number": HOLDER},
        pdf=pdf,
    )


def again(edition: int) -> DocumentKey:
    return replace(FIRST, edition=edition)


@pytest.fixture
async def office(sessions: Sessions) -> Office:
    """A holder whose certificate is in the register."""
    office = Office("", sessions)
    await office.place(a_holder())
    holder = await office.holder_of(HOLDER)
    await office.add(
        Certificate(
            number=HOLDER,
            kind="CAR",
            person_id=holder.person_id,
            status="in_force",
            start=date(2024, 12, 10),
            echeance=date(2026, 12, 10),
        )
    )
    return office


async def keep(office: Office, document: NewDocument) -> DocumentRow:
    async with office.sessions.begin() as session:
        return await keep_document(session, document)


async def test_a_document_is_kept_once_whatever_is_told_again(office: Office) -> None:
    first = await keep(office, a_document())
    second = await keep(office, a_document(pdf=b"another file"))
    assert first.pdf == second.pdf == b"%PDF-1.7"
    assert len(await office.rows(DocumentRow)) == 1
    async with office.sessions() as session:
        kept = await document_kept(session, FIRST)
        assert kept is not None
        assert (kept.sha256, kept.facts) == ("ab" * 32, {"number": HOLDER})
        assert await document_kept(session, again(2)) is None


async def test_fifty_at_once_keep_one(office: Office) -> None:
    documents = [a_document(pdf=str(n).encode()) for n in range(50)]
    kept = await asyncio.gather(*(keep(office, document) for document in documents))
    assert len({row.pdf for row in kept}) == 1
    assert len(await office.rows(DocumentRow)) == 1


async def test_a_new_edition_needs_a_reason_and_the_one_before(office: Office) -> None:
    await keep(office, a_document())
    for reason in (None, "", "  "):
        with pytest.raises(IntegrityError, match="again_with_a_reason"):
            await keep(office, a_document(again(2), reason=reason))
    with pytest.raises(IntegrityError, match="previous_edition"):
        await keep(office, a_document(again(3), reason="nom corrigé"))
    await keep(office, a_document(again(2), reason="nom corrigé"))
    await keep(office, a_document(again(3), reason="fichier perdu"))
    async with office.sessions() as session:
        newest = await newest_document(session, HOLDER)
        assert newest is not None
        assert (newest.edition, newest.reason) == (3, "fichier perdu")


@pytest.mark.parametrize("edition", [0, -1])
async def test_editions_are_counted_from_one(office: Office, edition: int) -> None:
    with pytest.raises(IntegrityError):
        await keep(office, a_document(again(edition), reason="nom corrigé"))


async def test_a_first_issue_needs_no_reason_and_has_none(office: Office) -> None:
    with pytest.raises(IntegrityError, match="again_with_a_reason"):
        await keep(office, a_document(reason="nom corrigé"))


async def test_each_term_begins_with_a_first_edition(office: Office) -> None:
    await keep(office, a_document())
    await keep(office, a_document(again(2), reason="nom corrigé"))
    renewed = replace(FIRST, term_start=date(2026, 12, 10))
    await keep(office, a_document(renewed))
    async with office.sessions() as session:
        newest = await newest_document(session, HOLDER)
        assert newest is not None
        assert (newest.term_start, newest.edition) == (date(2026, 12, 10), 1)


async def test_a_certificate_that_does_not_exist_has_no_document(
    office: Office,
) -> None:
    other = replace(FIRST, certificate=NEWCOMER)
    with pytest.raises(IntegrityError):
        await keep(office, a_document(other))


async def test_a_document_cannot_be_altered_but_a_person_can_be_forgotten(
    office: Office,
) -> None:
    await keep(office, a_document())
    with pytest.raises(DBAPIError, match="is append-only"):
        async with office.sessions.begin() as session:
            await session.execute(update(DocumentRow).values(pdf=b"forged"))
    async with office.sessions.begin() as session:
        await session.execute(delete(DocumentRow))
        assert (await session.scalars(select(DocumentRow))).all() == []
