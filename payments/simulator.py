"""A payment provider that takes no money: for the one-machine stack and for tests."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from payments.events import Told, read_event
from payments.provider import (
    Payment,
    ProviderSession,
    Refund,
    SessionOrder,
    SessionState,
    WillNotRefund,
)
from payments.signing import verify_standard
from payments.simulator_files import KeptSession, Message, SimulatorFiles
from payments.simulator_post import SimulatorPost
from rules.numbers import DossierNumber

LATE_BY = timedelta(seconds=20)
"""How long a message is held back that must come late."""


class AlreadySettled(ValueError):  # noqa: N818 - named as the person is told
    """A session ended before: paid, refused or expired."""


class Manner(StrEnum):
    """How the message about a capture travels."""

    ONCE = "once"
    LATE = "late"
    TWICE = "twice"
    OUT_OF_ORDER = "out_of_order"  # before that of an older refusal
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Settled:
    """How a session stands, and what our own endpoint answered; None: no answer."""

    session: ProviderSession
    webhook_status: int | None


class Simulator:
    """
    Behaves as a provider does, its messages signed and sent over HTTP.

    *now* names the instant of a capture: that of the dossier, whose clock a demo moves.
    *keys* sign as Standard Webhooks says, the first of them; each is believed.
    """

    shortest_session = timedelta()

    def __init__(
        self,
        folder: Path,
        *,
        keys: Sequence[str],
        public_url: str,
        now: Callable[[DossierNumber], Awaitable[datetime]],
        late_by: timedelta = LATE_BY,
    ) -> None:
        self.pay_origin = public_url.rstrip("/")
        self._files = SimulatorFiles(folder)
        self._keys = keys
        self._now = now
        self._late_by = late_by
        self.post = SimulatorPost(
            self._files,
            key=keys[0],
            endpoint=f"{self.pay_origin}/api/v1/webhooks/payments",
        )

    # ------------------------------------------------------ what any provider does

    async def create_session(self, order: SessionOrder) -> ProviderSession:
        """Begin a try to pay, or find the one begun under the same session_id."""
        return self._shown(await asyncio.to_thread(self._begin, order))

    async def fetch(self, provider_session: str) -> ProviderSession | None:
        """Ask how a try to pay stands; None for one it does not know."""
        kept = await self._looked_at(provider_session)
        return None if kept is None else self._shown(kept)

    async def end_session(self, provider_session: str) -> ProviderSession | None:
        """Let nobody pay there any more; answers how it ended, which may be paid."""
        if await self._looked_at(provider_session) is None:
            return None
        ended = await asyncio.to_thread(
            self._changed, provider_session, state=SessionState.EXPIRED
        )
        return self._shown(ended)

    async def sessions_since(self, at: datetime) -> Sequence[ProviderSession]:
        """List the tries begun since *at* (real), whether we know them or not."""
        kept = await asyncio.to_thread(lambda: list(self._files.sessions()))
        return [self._shown(k) for k in kept if k.created_at >= at]

    async def refund(self, payment_id: str, *, amount_cents: int, key: str) -> Refund:
        """Give money back, once for each *key*, ever; may raise WillNotRefund."""
        kept, is_new = await asyncio.to_thread(
            self._give_back, payment_id, amount_cents, key
        )
        refund_id = f"ref_{hashlib.sha256(key.encode()).hexdigest()[:24]}"
        if is_new:
            now = await self._now(kept.order.dossier)
            await self._send([_refunded(kept, refund_id, now)], due_in=timedelta())
        return Refund(refund_id, payment_id, amount_cents)

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Believe a message; raises BadSignature, or BadEvent for a believed one."""
        message_id = verify_standard(body, headers, self._keys)
        return Told(message_id, read_event(body))

    # ------------------------------------------------- what the person who pays does

    async def approve(
        self, session_id: str, manner: Manner = Manner.ONCE
    ) -> Settled | None:
        """
        Play the person who pays; None for an unknown session.

        Approved again, the same message is sent again, as a provider repeats itself.
        Raises AlreadySettled for a session that was refused or has expired.
        """
        kept = await self._looked_at(session_id)
        if kept is None:
            return None
        if kept.state is SessionState.OPEN:
            captured_at = await self._now(kept.order.dossier)
            kept = await asyncio.to_thread(
                self._changed,
                session_id,
                state=SessionState.PAID,
                captured_at=captured_at,
            )
        if kept.state is not SessionState.PAID:
            raise AlreadySettled(kept.state)
        return Settled(self._shown(kept), await self._tell(kept, manner))

    async def refuse(self, session_id: str) -> Settled | None:
        """Play the bank that declines; raises AlreadySettled for an ended session."""
        kept = await self._looked_at(session_id)
        if kept is None:
            return None
        if kept.state is SessionState.OPEN:
            kept = await asyncio.to_thread(
                self._changed, session_id, state=SessionState.REFUSED
            )
        if kept.state is not SessionState.REFUSED:
            raise AlreadySettled(kept.state)
        status = await self._send([_refused(kept)], due_in=timedelta())
        return Settled(self._shown(kept), status)

    async def take_back(self, session_id: str) -> Settled | None:
        """Play the card holder who contests; raises AlreadySettled if nothing is paid.

        The bank takes the money, whatever was given back of it.
        """
        kept = await self._looked_at(session_id)
        if kept is None:
            return None
        if kept.state is not SessionState.PAID:
            raise AlreadySettled(kept.state)
        now = await self._now(kept.order.dossier)
        kept = await asyncio.to_thread(self._contested, session_id, now)
        status = await self._send([_reversed(kept)], due_in=timedelta())
        return Settled(self._shown(kept), status)

    async def order_of(self, session_id: str) -> SessionOrder | None:
        """Find what a session is to pay, as its page shows it."""
        kept = await self._looked_at(session_id)
        return None if kept is None else kept.order

    # ---------------------------------------------------------------- the messages

    async def _tell(self, kept: KeptSession, manner: Manner) -> int | None:
        captured = _captured(kept)
        match manner:
            case Manner.NEVER:
                return None
            case Manner.LATE:
                return await self._send([captured], due_in=self._late_by)
            case Manner.TWICE:
                return await self._send([captured, captured], due_in=timedelta())
            case Manner.OUT_OF_ORDER:
                older = _refused(kept)
                return await self._send([captured, older], due_in=timedelta())
            case Manner.ONCE:
                return await self._send([captured], due_in=timedelta())

    async def _send(
        self, said: Iterable[tuple[str, dict[str, object]]], *, due_in: timedelta
    ) -> int | None:
        """Keep messages, then send what is due; the answer to the first of them."""
        at = datetime.now(UTC) + due_in
        messages = [
            Message(
                message_id=message_id,
                body=json.dumps(body),
                first_due_at=at,
                # In the order given, and each with its own file.
                due_at=at + timedelta(microseconds=place),
                copy=place,
            )
            for place, (message_id, body) in enumerate(said, start=1)
        ]
        for message in messages:
            await asyncio.to_thread(self._files.keep_message, message)
        return await self.post.send_due(first=messages[0].name)

    # ------------------------------------------------------------------- the files

    async def _looked_at(self, session_id: str) -> KeptSession | None:
        """Read a session; one whose time is over has ended."""
        kept = await asyncio.to_thread(self._files.session, session_id)
        if kept is None or kept.state is not SessionState.OPEN:
            return kept
        if await self._now(kept.order.dossier) < kept.order.expires_at:
            return kept
        return await asyncio.to_thread(
            self._changed, session_id, state=SessionState.EXPIRED
        )

    def _begin(self, order: SessionOrder) -> KeptSession:
        with self._files.alone():
            kept = self._files.session(order.session_id)
            if kept is None:
                kept = KeptSession(order=order, created_at=datetime.now(UTC))
                self._files.keep_session(kept)
            return kept

    def _changed(
        self,
        session_id: str,
        *,
        state: SessionState,
        captured_at: datetime | None = None,
    ) -> KeptSession:
        """End an open session; one that has ended stays as it ended."""
        with self._files.alone():
            kept = self._files.session(session_id)
            assert kept is not None
            if kept.state is SessionState.OPEN:
                kept = replace(kept, state=state, captured_at=captured_at)
                self._files.keep_session(kept)
            return kept

    def _contested(self, session_id: str, at: datetime) -> KeptSession:
        with self._files.alone():
            kept = self._files.session(session_id)
            assert kept is not None
            kept = replace(kept, reversed_at=kept.reversed_at or at)
            self._files.keep_session(kept)
            return kept

    def _give_back(
        self, payment_id: str, amount_cents: int, key: str
    ) -> tuple[KeptSession, bool]:
        with self._files.alone():
            kept = next(
                (k for k in self._files.sessions() if k.payment_id == payment_id), None
            )
            if kept is None or kept.captured_at is None:
                raise WillNotRefund("no such payment")
            if key in dict(kept.refunds):
                return kept, False
            if kept.reversed_at is not None:
                raise WillNotRefund("the payment is contested")
            if kept.refunded_cents + amount_cents > kept.order.amount_cents:
                raise WillNotRefund("more than was captured")
            kept = replace(kept, refunds=(*kept.refunds, (key, amount_cents)))
            self._files.keep_session(kept)
            return kept, True

    def _shown(self, kept: KeptSession) -> ProviderSession:
        order = kept.order
        payment = (
            None
            if kept.captured_at is None
            else Payment(
                kept.payment_id,
                order.amount_cents,
                order.currency,
                kept.captured_at,
                kept.refunded_cents,
                contested=kept.reversed_at is not None,
            )
        )
        return ProviderSession(
            provider_session=order.session_id,
            session_id=order.session_id,
            invoice_id=order.invoice_id,
            amount_cents=order.amount_cents,
            state=kept.state,
            pay_url=f"{self.pay_origin}/{order.language}/simulateur/{order.session_id}",
            payment=payment,
        )


_Said = tuple[str, dict[str, object]]
"""A message's id, the same at each repetition, and what it says."""


def _captured(kept: KeptSession) -> _Said:
    assert kept.captured_at is not None
    order = kept.order
    return f"msg_{order.session_id}_paid", {
        "type": "payment.captured",
        "session_id": order.session_id,
        "payment_id": kept.payment_id,
        "invoice_id": order.invoice_id,
        "amount_cents": order.amount_cents,
        "currency": order.currency,
        "captured_at": kept.captured_at.isoformat(),
    }


def _refused(kept: KeptSession) -> _Said:
    session_id = kept.order.session_id
    return f"msg_{session_id}_refused", {
        "type": "payment.refused",
        "session_id": session_id,
    }


def _reversed(kept: KeptSession) -> _Said:
    assert kept.reversed_at is not None
    return f"msg_{kept.order.session_id}_reversed", {
        "type": "payment.reversed",
        "payment_id": kept.payment_id,
        "reversed_at": kept.reversed_at.isoformat(),
    }


def _refunded(kept: KeptSession, refund_id: str, at: datetime) -> _Said:
    return f"msg_{kept.order.session_id}_{refund_id}", {
        "type": "payment.refunded",
        "payment_id": kept.payment_id,
        "refunded_cents": kept.refunded_cents,
        "refunded_at": at.isoformat(),
    }
