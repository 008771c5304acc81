"""Money looked after: tries without an answer, what goes back, both books compared."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client

from activities.crashpoints import crashpoint
from activities.sayings import finding
from intake.delivery import deliver
from intake.fees import tell_the_stories
from intake.payments import refund_did_not_go, take_in, take_in_session
from payments.events import Refunded, Told
from payments.provider import (
    PaymentProvider,
    ProviderAway,
    ProviderSession,
    SessionState,
    WillNotRefund,
)
from records import payments as ledger
from records.clock import database_now, now_for
from records.database import Sessions
from records.dossiers import restored
from records.fees import acts_not_told, policy_in_force
from records.models import DossierRow, InvoiceRow, PaymentSession
from records.money import RefundRow
from records.queries import (
    dossiers_paid_before,
    payment_sessions_paid_since,
    payment_sessions_without_answer,
)
from rules.civil_time import civil_date
from rules.standing import certificate_due, renewal_due
from workflows.upkeep import Check, Disagreement, Mend

ASKED_AFTER = timedelta(minutes=2)
"""A try without an answer for this long is asked after at the provider."""

REFUND_TOO_LONG = timedelta(hours=1)
UNFINISHED_AFTER = timedelta(minutes=10)
"""What was paid so long ago must have led to its certificate, or to a task."""

NEAR, FAR = timedelta(hours=72), timedelta(days=5)
"""How far back the books are compared each hour, and each day."""

_LIMIT = 200


@dataclass(slots=True)
class MoneySweep:
    """One look at money: it repairs what is safe, and adds what it found."""

    sessions: Sessions
    client: Client
    provider: PaymentProvider | None
    now: datetime
    checked: int = 0
    findings: list[Disagreement] = field(default_factory=list)

    async def look(self, *, hourly: bool, daily: bool) -> list[Disagreement]:
        """Ask after what waits; compare the books if it is time to."""
        await self._tell_of_fees()
        if self.provider is not None:
            try:
                await self._ask_after_tries(self.provider)
                await self._give_back(self.provider)
                if hourly or daily:
                    await self._compare_books(self.provider, FAR if daily else NEAR)
            except ProviderAway as away:
                self._found("provider", "provider_silent", Mend.FOR_A_PERSON, why=away)
        await self._see_refunds_made()
        await self._see_that_what_is_paid_is_finished()
        return self.findings

    def _found(self, about: str, code: str, mend: Mend, **values: object) -> None:
        self.findings.append(finding(Check.MONEY, about, code, mend, **values))

    async def _tell_of_fees(self) -> None:
        async with self.sessions() as session:
            acts = await acts_not_told(session)
        if acts:
            told = await tell_the_stories(self.sessions, self.client)
            mend = Mend.REPAIRED if told else Mend.FOR_A_PERSON
            code = "fees_told" if told else "fees_not_told"
            about = f"fee act {acts[-1]}"
            self.findings.append(finding(Check.FEES, about, code, mend))

    # --------------------------------------------------- tries without an answer

    async def _ask_after_tries(self, provider: PaymentProvider) -> None:
        async with self.sessions() as session:
            waiting = await payment_sessions_without_answer(
                session, before=self.now - ASKED_AFTER, limit=_LIMIT
            )
        self.checked += len(waiting)
        for ours in waiting:
            await self._ask_after(provider, ours)

    async def _ask_after(self, provider: PaymentProvider, ours: PaymentSession) -> None:
        theirs = (
            None
            if ours.provider_session is None
            else await provider.fetch(ours.provider_session)
        )
        if theirs is None:
            # Cut off before anybody was sent there, or forgotten by the provider.
            await self._close(ours)
            return
        if theirs.state is SessionState.OPEN and await self._is_in_vain(ours):
            theirs = await provider.end_session(theirs.provider_session) or theirs
        if await self._take_in(theirs):
            self._found(ours.session_id, "captured_when_asked", Mend.REPAIRED)

    async def _close(self, ours: PaymentSession) -> None:
        async with self.sessions.begin() as session:
            row = await session.get_one(PaymentSession, ours.session_id)
            if row.state == "open":
                row.state = "expired"

    async def _is_in_vain(self, ours: PaymentSession) -> bool:
        """Whether nothing may be paid there any more, though its page is open."""
        async with self.sessions() as session:
            invoice = await session.get_one(InvoiceRow, ours.invoice_id)
            now = await now_for(session, invoice.dossier, real_now=self.now)
        over = ours.expires_at is not None and now >= ours.expires_at
        return invoice.state != "open" or over

    async def _take_in(self, theirs: ProviderSession) -> bool:
        async with self.sessions.begin() as session:
            fact_ids = await take_in_session(session, theirs)
        if fact_ids:
            await deliver(self.sessions, self.client, fact_ids)
        return bool(fact_ids)

    # ------------------------------------------------------------ money goes back

    async def _give_back(self, provider: PaymentProvider) -> None:
        async with self.sessions() as session:
            waiting = await ledger.refunds_to_make(session, limit=_LIMIT)
        self.checked += len(waiting)
        for refund in waiting:
            await self._give_back_one(provider, refund)

    async def _give_back_one(
        self, provider: PaymentProvider, refund: RefundRow
    ) -> None:
        """Give back once: the key is the same however often this is cut off."""
        async with self.sessions.begin() as session:
            if not await ledger.begin_refund(session, refund.key):
                return
        crashpoint("before_refund")
        try:
            made = await provider.refund(
                refund.payment_id, amount_cents=refund.amount_cents, key=refund.key
            )
        except WillNotRefund as refused:
            await self._refused(refund, str(refused))
            return
        crashpoint("after_refund")
        async with self.sessions.begin() as session:
            total = await ledger.end_refund(session, refund, made.refund_id)
            told = Refunded(
                payment_id=refund.payment_id,
                refunded_cents=total,
                refunded_at=await self._its_now(session, refund.dossier),
            )
            fact_id = await take_in(session, Told(refund.key, told))
        await self._deliver(fact_id)

    async def _refused(self, refund: RefundRow, why: str) -> None:
        async with self.sessions.begin() as session:
            at = await self._its_now(session, refund.dossier)
            fact_id = await refund_did_not_go(session, refund, why=why, at=at)
        await self._deliver(fact_id)
        self._found(refund.payment_id, "will_not_refund", Mend.FOR_A_PERSON, why=why)

    async def _its_now(self, session: AsyncSession, number: str | None) -> datetime:
        now = await database_now(session)
        return now if number is None else await now_for(session, number, real_now=now)

    async def _deliver(self, fact_id: str | None) -> None:
        if fact_id is not None:
            await deliver(self.sessions, self.client, [fact_id])

    async def _see_refunds_made(self) -> None:
        async with self.sessions() as session:
            waiting = await ledger.refunds_to_make(session, limit=_LIMIT)
        for refund in waiting:
            if self.now - refund.ordered_at > REFUND_TOO_LONG:
                self._found(
                    refund.payment_id,
                    "refund_waits",
                    Mend.FOR_A_PERSON,
                    at=refund.ordered_at,
                )

    # -------------------------------------------------------- R8, the two books

    async def _compare_books(self, provider: PaymentProvider, reach: timedelta) -> None:
        since = self.now - reach
        theirs = await provider.sessions_since(since)
        async with self.sessions() as session:
            paid_here = await payment_sessions_paid_since(session, since=since)
        self.checked += len(theirs) + len(paid_here)
        for one in theirs:
            await self._compare(one)
        known = {one.provider_session: one for one in theirs}
        for ours in paid_here:
            assert ours.provider_session is not None
            there = known.get(ours.provider_session) or await provider.fetch(
                ours.provider_session
            )
            if there is None or there.state is not SessionState.PAID:
                self._found(ours.session_id, "not_at_provider", Mend.FOR_A_PERSON)

    async def _compare(self, theirs: ProviderSession) -> None:
        payment = theirs.payment
        if payment is None:
            return
        async with self.sessions() as session:
            entry = await ledger.payment_named(session, payment.payment_id)
        if entry is not None and (entry.amount_cents, entry.currency) != (
            payment.amount_cents,
            payment.currency,
        ):
            self._found(payment.payment_id, "other_amount", Mend.FOR_A_PERSON)
        elif entry is None:
            # One for no invoice of ours has its task now, and no story to tell.
            mend = Mend.REPAIRED if await self._take_in(theirs) else Mend.FOR_A_PERSON
            self._found(payment.payment_id, "capture_unknown", mend)
        elif await self._take_in(theirs):
            self._found(payment.payment_id, "refund_unknown", Mend.REPAIRED)

    # ------------------------------------------- R9, what is paid leads somewhere

    async def _see_that_what_is_paid_is_finished(self) -> None:
        async with self.sessions() as session:
            rows = await dossiers_paid_before(
                session, before=self.now - UNFINISHED_AFTER, limit=_LIMIT
            )
            unfinished = [
                row.number for row in rows if await self._is_owed(session, row)
            ]
        self.checked += len(rows)
        for number in unfinished:
            self.findings.append(
                finding(Check.FINISHED, number, "unfinished", Mend.FOR_A_PERSON)
            )

    async def _is_owed(self, session: AsyncSession, row: DossierRow) -> bool:
        """Whether the law gives a term that the story has not granted."""
        dossier = restored(row.facts)
        today = civil_date(await now_for(session, row.number, real_now=self.now))
        policy = await policy_in_force(session, dossier.kind, today)
        if any(task.reason == "second_certificate" for task in dossier.tasks):
            return False
        return (
            renewal_due(dossier, policy) is not None
            or certificate_due(dossier, policy, today) is not None
        )
