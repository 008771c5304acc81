"""The certificate as a file: printed and signed once, kept, sent with its letter."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from documents.certificate import CertificateFacts
from documents.issuing import issue_certificate
from documents.signing import DocumentSigner
from letters.compose import Attachment
from records.database import Sessions
from records.documents import (
    DocumentKey,
    NewDocument,
    document_kept,
    keep_document,
)
from records.dossiers import restored
from records.models import DossierRow, Person, TaskRow
from rules.civil_time import civil_date, delay, last_day
from rules.dossier import Kind, Term
from rules.policy import load_policy
from settings import Settings
from workflows.messages import LetterOrder

log = logging.getLogger(__name__)

BEARS_A_CERTIFICATE = frozenset({"certificate_issued", "renewed"})
"""The letters that bring the certificate of a new term."""


@dataclass(frozen=True, slots=True)
class _Holder:
    name: str
    language: str
    kind: Kind
    term: Term


class Issuing:
    """Issues the certificate that a letter brings; without a key, none is brought."""

    def __init__(self, sessions: Sessions, settings: Settings) -> None:
        """Read the key; raises documents.signing.BadSigningKey for one that is none."""
        self._sessions = sessions
        self._signer = DocumentSigner.of(settings)
        self._office_name = settings.office_name
        self._public_url = settings.public_url

    async def enclosed_in(self, order: LetterOrder) -> tuple[Attachment, ...]:
        """Give the certificate that *order* brings: the same file at each attempt.

        What cannot be printed or signed (a name that no font can show) does not hold
        the letter back: it leaves without the file, and a person is given the task.
        """
        if self._signer is None or order.notice not in BEARS_A_CERTIFICATE:
            return ()
        holder = await self._holder(order)
        if holder is None:
            return ()
        key = DocumentKey(certificate=order.dossier, term_start=holder.term.start)
        async with self._sessions() as session:
            kept = await document_kept(session, key)
        pdf = kept.pdf if kept else await self._issue(order, holder, key, self._signer)
        if pdf is None:
            return ()
        return (Attachment(f"{order.dossier}.pdf", "application/pdf", pdf),)

    async def _holder(self, order: LetterOrder) -> _Holder | None:
        query = (
            select(Person.name, Person.language, DossierRow.kind, DossierRow.facts)
            .join(DossierRow, DossierRow.person_id == Person.person_id)
            .where(DossierRow.number == order.dossier)
        )
        async with self._sessions() as session:
            found = (await session.execute(query)).one_or_none()
        if found is None:
            return None
        terms = restored(found.facts).terms
        # A term undone meanwhile has no certificate to bring.
        term = next((t for t in terms if t.echeance == order.echeance), None)
        if term is None:
            return None
        return _Holder(found.name, found.language, Kind(found.kind), term)

    async def _issue(
        self,
        order: LetterOrder,
        holder: _Holder,
        key: DocumentKey,
        signer: DocumentSigner,
    ) -> bytes | None:
        facts = CertificateFacts(
            language="en" if holder.language == "en" else "fr",
            kind=holder.kind,
            number=order.dossier,
            holder_name=holder.name,
            first_day=holder.term.start,
            last_valid_day=last_day(holder.term.echeance),
            issued_at=order.occurred_at,
            edition=key.edition,
            office_name=self._office_name,
            public_url=self._public_url,
            trial=signer.self_made,
        )
        try:
            issued = await asyncio.to_thread(issue_certificate, facts, signer)
        except Exception as why:  # noqa: BLE001 - no letter waits for its enclosure
            # No trace: it may name the person.
            log.warning("%s: no certificate: %s", order.dossier, type(why).__name__)
            await self._give_to_a_person(order, holder.kind)
            return None
        async with self._sessions.begin() as session:
            kept = await keep_document(
                session,
                NewDocument(
                    key=key,
                    kind=holder.kind,
                    language=facts.language,
                    issued_at=order.occurred_at,
                    reason=None,
                    sha256=issued.sha256,
                    facts=issued.facts,
                    pdf=issued.pdf,
                ),
            )
            return kept.pdf

    async def _give_to_a_person(self, order: LetterOrder, kind: Kind) -> None:
        today: date = civil_date(order.occurred_at)
        policy = load_policy(kind, today)
        row = insert(TaskRow).values(
            task_id=f"{order.dossier}:kept:certificate_not_printed:{order.key}",
            reason="certificate_not_printed",
            about=order.key,
            due_on=delay(
                today, policy.task_days, delays_extended=policy.delays_extended
            ),
            opened_at=order.occurred_at,
        )
        async with self._sessions.begin() as session:
            await session.execute(row.on_conflict_do_nothing())
