"""Certificates as files: kept as they were issued, and found again."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import DocumentRow
from rules.dossier import Kind
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
