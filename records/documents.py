"""Certificates as files: kept as they were issued, and found again."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from records.dossiers import restored
from records.models import DocumentRow, DossierRow, Person
from rules.civil_time import civil_date
from rules.dossier import Dossier, Kind
from rules.numbers import DossierNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentKey:
    """Which document: of a certificate, for the term from a day, the how many-th."""

    certificate: DossierNumber
    term_start: date
    edition: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document to keep. Any edition but the first has a reason.

    *sha256* and *facts* are those of the file before its signature; *pdf* is signed.
    """

    key: DocumentKey
    kind: Kind
    language: str
    issued_at: datetime
    reason: str | None
    sha256: str
    facts: dict[str, Any]
    pdf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """What a certificate says of its holder, and the terms, as the records stand."""

    name: str
    language: Literal["fr", "en"]
    dossier: Dossier


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One kept file of a certificate, without the file.

    *reason* is why it took the place of the one before; *newest*, whether none has
    taken its own.
    """

    term_start: date
    edition: int
    issued_at: datetime
    reason: str | None
    last_valid_day: date
    newest: bool

    @property
    def issued_on(self) -> date:
        """The civil day on which it was issued."""
        return civil_date(self.issued_at)


async def holder_of(session: AsyncSession, number: str) -> Holder | None:
    """Who holds, or would hold, this certificate?"""
    query = (
        select(Person.name, Person.language, DossierRow.facts)
        .join(DossierRow, DossierRow.person_id == Person.person_id)
        .where(DossierRow.number == number)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    return Holder(
        name=found.name,
        language="en" if found.language == "en" else "fr",
        dossier=restored(found.facts),
    )


async def document_kept(session: AsyncSession, key: DocumentKey) -> DocumentRow | None:
    """Which file was issued under this key, if any?"""
    return await session.get(
        DocumentRow, (key.certificate, key.term_start, key.edition)
    )


async def newest_document(session: AsyncSession, number: str) -> DocumentRow | None:
    """Which file of this certificate is the last one issued?"""
    query = (
        select(DocumentRow)
        .where(DocumentRow.certificate == number)
        .order_by(DocumentRow.term_start.desc(), DocumentRow.edition.desc())
        .limit(1)
    )
    return (await session.scalars(query)).first()


async def newest_edition(
    session: AsyncSession, number: str, term_start: date
) -> DocumentRow | None:
    """Which file of this certificate's term is the last one issued?"""
    query = (
        select(DocumentRow)
        .where(DocumentRow.certificate == number, DocumentRow.term_start == term_start)
        .order_by(DocumentRow.edition.desc())
        .limit(1)
    )
    return (await session.scalars(query)).first()


async def copies_of(session: AsyncSession, number: str) -> tuple[Copy, ...]:
    """Which files of this certificate are kept, the newest term and copy first?"""
    query = (
        select(
            DocumentRow.term_start,
            DocumentRow.edition,
            DocumentRow.issued_at,
            DocumentRow.reason,
            DocumentRow.facts["last_valid_day"].astext,
        )
        .where(DocumentRow.certificate == number)
        .order_by(DocumentRow.term_start.desc(), DocumentRow.edition.desc())
    )
    rows = (await session.execute(query)).all()
    newest = {row.term_start: row.edition for row in reversed(rows)}
    return tuple(
        Copy(
            term_start=start,
            edition=edition,
            issued_at=issued_at,
            reason=reason,
            last_valid_day=date.fromisoformat(last_valid_day),
            newest=newest[start] == edition,
        )
        for start, edition, issued_at, reason, last_valid_day in rows
    )


async def keep_document(session: AsyncSession, document: NewDocument) -> DocumentRow:
    """Keep a document, and answer with the one that is kept.

    Under one key only the first is ever kept: told again, whatever it says, the first
    is the answer. Raises sqlalchemy.exc.IntegrityError for an edition without a reason
    or without the one before it, and for an unknown certificate.
    """
    key = document.key
    row = insert(DocumentRow).values(
        certificate=key.certificate,
        term_start=key.term_start,
        edition=key.edition,
        kind=document.kind,
        language=document.language,
        issued_at=document.issued_at,
        reason=document.reason,
        sha256=document.sha256,
        facts=document.facts,
        pdf=document.pdf,
    )
    await session.execute(row.on_conflict_do_nothing())
    kept = await document_kept(session, key)
    assert kept is not None
    return kept
