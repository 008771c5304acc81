"""The certificate as a file: printed and signed once, kept, sent with its letter."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import date

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from activities.crashpoints import crashpoint
from documents.certificate import CertificateFacts
from documents.issuing import (
    IssuedCertificate,
    Issuer,
    facts_of,
    issue_certificate,
    next_copy,
)
from documents.signing import DocumentSigner
from letters.compose import Attachment
from records.database import Sessions
from records.desk import settle_not_printed
from records.documents import (
    DocumentKey,
    Holder,
    NewDocument,
    document_kept,
    holder_of,
    keep_document,
    newest_edition,
)
from records.models import DocumentRow, Letter, TaskRow, WrittenText
from rules.civil_time import civil_date, delay
from rules.dossier import Kind, Term
from rules.notices import BRINGS_A_CERTIFICATE, CERTIFICATE_REISSUED
from rules.numbers import DossierNumber
from rules.policy import load_policy
from settings import Settings
from workflows.messages import LetterOrder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What a letter brings: of a certificate, which copy and the last day on it.

    *replaced_last_day* is the last valid day that the copy before says, if another.
    """

    files: tuple[Attachment, ...] = ()
    edition: int | None = None
    last_valid_day: date | None = None
    replaced_last_day: date | None = None


NOTHING = Enclosed()


class Issuing:
    """Issues the certificate that a letter brings; without a key, none is made."""

    def __init__(self, sessions: Sessions, settings: Settings) -> None:
        """Read the key; raises documents.signing.BadSigningKey for one that is none."""
        self._sessions = sessions
        self._signer = DocumentSigner.of(settings)
        self._issuer = Issuer.of(settings)

    async def enclosed_in(self, order: LetterOrder) -> Enclosed:
        """Give the certificate that *order* brings: the newest copy of its term.

        The first copy is made for whoever comes first; another one once for each order
        that asks for it, however often that is attempted. What cannot be printed or
        signed (a name that no font can show) does not hold the letter back: a person
        is given the task.
        """
        if order.notice not in BRINGS_A_CERTIFICATE:
            return NOTHING
        async with self._sessions() as session:
            holder = await holder_of(session, order.dossier)
        term = None if holder is None else _term_of(order, holder)
        if holder is None or term is None:
            return NOTHING
        kept = await self._newest_or_made(order, holder, term)
        return NOTHING if kept is None else await self._enclosed(kept)

    async def _newest_or_made(
        self, order: LetterOrder, holder: Holder, term: Term
    ) -> DocumentRow | None:
        while True:
            async with self._sessions() as session:
                newest = await newest_edition(session, order.dossier, term.start)
                served = await _is_served(session, order, newest)
            if served:
                return newest
            facts = next_copy(
                holder.dossier,
                term,
                name=holder.name,
                language=holder.language,
                at=order.occurred_at,
                issuer=self._issuer,
                before=facts_of(newest.facts) if newest else None,
            )
            issued = await self._issue(order, facts)
            if issued is None:
                return None
            crashpoint("before_document")
            # None: somebody was quicker, for this order or another.
            if kept := await self._keep(order, issued, facts):
                crashpoint("after_document")
                return kept

    async def _issue(
        self, order: LetterOrder, facts: CertificateFacts
    ) -> IssuedCertificate | None:
        if self._signer is None:
            if _asks_for_a_copy(order):
                await self._give_to_a_person(order, facts.kind)
            return None
        try:
            return await asyncio.to_thread(issue_certificate, facts, self._signer)
        except Exception as why:  # noqa: BLE001 - no letter waits for its enclosure
            # No trace: it may name the person.
            log.warning("%s: no certificate: %s", order.dossier, type(why).__name__)
            await self._give_to_a_person(order, facts.kind)
            return None

    async def _keep(
        self, order: LetterOrder, issued: IssuedCertificate, facts: CertificateFacts
    ) -> DocumentRow | None:
        """Keep a copy, and with it that its order is served; None if it came late."""
        async with self._sessions.begin() as session:
            letter = None
            if _asks_for_a_copy(order):
                letter = await session.get_one(Letter, order.key, with_for_update=True)
                if letter.ordered.get("edition") is not None:
                    return None
            document = NewDocument(
                key=DocumentKey(
                    certificate=order.dossier,
                    term_start=facts.first_day,
                    edition=facts.edition,
                ),
                kind=facts.kind,
                language=facts.language,
                issued_at=order.occurred_at,
                reason=await _reason(session, order, facts.edition),
                sha256=issued.sha256,
                facts=issued.facts,
                pdf=issued.pdf,
            )
            kept = await keep_document(session, document)
            if kept.pdf != issued.pdf:  # no two signatures are the same
                return None
            if letter is not None:
                letter.ordered = {**letter.ordered, "edition": facts.edition}
                await settle_not_printed(
                    session,
                    order.dossier,
                    first_day=facts.first_day,
                    last_valid_day=facts.last_valid_day,
                    at=order.occurred_at,
                )
            return kept

    async def _enclosed(self, kept: DocumentRow) -> Enclosed:
        before = DocumentKey(
            certificate=DossierNumber(kept.certificate),
            term_start=kept.term_start,
            edition=kept.edition - 1,
        )
        replaced = None
        if kept.edition > 1:
            async with self._sessions() as session:
                replaced = await document_kept(session, before)
        says = facts_of(kept.facts).last_valid_day
        said = facts_of(replaced.facts).last_valid_day if replaced else says
        return Enclosed(
            (Attachment(f"{kept.certificate}.pdf", "application/pdf", kept.pdf),),
            edition=kept.edition,
            last_valid_day=says,
            replaced_last_day=None if said == says else said,
        )

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


def _asks_for_a_copy(order: LetterOrder) -> bool:
    """Whether a copy is made for this very order; one sent once more makes none."""
    return order.notice == CERTIFICATE_REISSUED and order.copy_of is None


async def _is_served(
    session: AsyncSession, order: LetterOrder, newest: DocumentRow | None
) -> bool:
    """Whether nothing is to be made for an order, with this copy the newest."""
    if not _asks_for_a_copy(order):
        return newest is not None
    letter = await session.get(Letter, order.key)
    return letter is not None and letter.ordered.get("edition") is not None


def _term_of(order: LetterOrder, holder: Holder) -> Term | None:
    """Find the term an order is about, as the records have it at this moment.

    A term undone meanwhile has no certificate to bring; nothing is printed again of a
    dossier that was closed.
    """
    dossier = holder.dossier
    if order.notice != CERTIFICATE_REISSUED:
        return next((t for t in dossier.terms if t.echeance == order.echeance), None)
    if dossier.ending is not None:
        return None
    return next((t for t in dossier.terms if t.start == order.term_start), None)


async def _reason(
    session: AsyncSession, order: LetterOrder, edition: int
) -> str | None:
    """Read why another copy was made; a first one has no reason."""
    if edition == 1 or order.text_id is None:
        return None
    return (await session.get_one(WrittenText, order.text_id)).text
