"""A payment provider that takes no money: for the one-machine stack and for tests."""

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
from pydantic import TypeAdapter
from standardwebhooks import Webhook

from payments.provider import (
    ProviderSession,
    Refund,
    SessionOrder,
    SessionState,
    Told,
    verify_signed,
)
from rules.numbers import DossierNumber

WEBHOOK_LIMIT_S = 8.0
"""The longest the simulator waits for our own answer."""

_SESSIONS: TypeAdapter[ProviderSession] = TypeAdapter(ProviderSession)
_SESSION_ID = re.compile(r"sim_[A-Za-z0-9_-]{22}")


class AlreadySettled(ValueError):  # noqa: N818 - named as the person is told
    """A session was approved or refused before, the other way."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a session ended, and what our own endpoint answered; None: no answer."""

    session: ProviderSession
    webhook_status: int | None


class Simulator:
    """
    Keeps its sessions in files of its own, as a provider would keep them elsewhere.

    *now* names the instant of a capture: that of the dossier, whose clock a demo moves.
    """

    def __init__(
        self,
        folder: Path,
        *,
        secret: str,
        public_url: str,
        now: Callable[[DossierNumber], Awaitable[datetime]],
    ) -> None:
        self._folder = folder
        self._secret = secret
        self._public_url = public_url.rstrip("/")
        self._now = now
        self._one_at_a_time = asyncio.Lock()

    async def create_session(self, order: SessionOrder) -> ProviderSession:
        """Begin a try to pay."""
        session_id = f"sim_{secrets.token_urlsafe(16)}"
        pay_url = f"{self._public_url}/simulator/sessions/{session_id}"
        session = ProviderSession(session_id, pay_url, SessionState.OPEN, order)
        await asyncio.to_thread(self._write, session)
        return session

    async def fetch(self, session_id: str) -> ProviderSession | None:
        """Ask how a try to pay stands."""
        return await asyncio.to_thread(self._read, session_id)

    async def refund(self, payment_id: str, *, amount_cents: int, key: str) -> Refund:
        """Pretend to give money back, once for each *key*."""
        refund_id = f"ref_{_short_hash(key)}"
        refund = Refund(refund_id, payment_id, amount_cents)
        file = self._folder / f"{refund_id}.json"
        await asyncio.to_thread(_write_once, file, json.dumps(asdict(refund)))
        return refund

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Told:
        """Believe a message; raises BadSignature, or BadEvent for a believed one."""
        return verify_signed(body, headers, secret=self._secret)

    async def approve(self, session_id: str) -> Settled | None:
        """
        Play the person who pays; None for an unknown session.

        Approved again, the same message is sent again, as a provider repeats itself.
        Raises AlreadySettled after a refusal.
        """
        session = await self._settle(session_id, SessionState.PAID)
        return None if session is None else await self._tell(session)

    async def refuse(self, session_id: str) -> Settled | None:
        """Play the bank that declines; raises AlreadySettled after an approval."""
        session = await self._settle(session_id, SessionState.REFUSED)
        return None if session is None else await self._tell(session)

    async def _settle(
        self, session_id: str, state: SessionState
    ) -> ProviderSession | None:
        async with self._one_at_a_time:
            session = await self.fetch(session_id)
            if session is None or session.state is state:
                return session
            if session.state is not SessionState.OPEN:
                raise AlreadySettled(session.state)
            settled = replace(session, state=state)
            if state is SessionState.PAID:
                settled = replace(
                    settled,
                    payment_id=f"pay_{_short_hash(session_id)}",
                    captured_at=await self._now(session.order.dossier),
                )
            await asyncio.to_thread(self._write, settled)
            return settled

    async def _tell(self, session: ProviderSession) -> Settled:
        """Send the signed message to our own endpoint, over HTTP as any provider."""
        body = json.dumps(_message(session))
        message_id = f"msg_{session.session_id}_{session.state}"
        sent_at = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": Webhook(self._secret).sign(message_id, sent_at, body),
        }
        url = f"{self._public_url}/api/v1/webhooks/payments"
        try:
            async with httpx2.AsyncClient(timeout=WEBHOOK_LIMIT_S) as http:
                answer = await http.post(url, content=body, headers=headers)
        except httpx2.HTTPError:
            return Settled(session, None)
        return Settled(session, answer.status_code)

    def _read(self, session_id: str) -> ProviderSession | None:
        if not _SESSION_ID.fullmatch(session_id):
            return None
        try:
            text = (self._folder / f"{session_id}.json").read_bytes()
        except FileNotFoundError:
            return None
        return _SESSIONS.validate_json(text)

    def _write(self, session: ProviderSession) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{session.session_id}.json"
        partial = file.with_suffix(".partial")
        partial.write_bytes(_SESSIONS.dump_json(session))
        partial.replace(file)


def _message(session: ProviderSession) -> dict[str, object]:
    if session.captured_at is None:
        return {"type": "payment.refused", "session_id": session.session_id}
    return {
        "type": "payment.captured",
        "session_id": session.session_id,
        "payment_id": session.payment_id,
        "invoice_id": session.order.invoice_id,
        "amount_cents": session.order.amount_cents,
        "currency": session.order.currency,
        "captured_at": session.captured_at.isoformat(),
    }


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _write_once(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(text, encoding="utf-8")
