"""The simulated provider's own door: play the person who pays. One machine only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter

from api.codes import Code
from api.errors import Refused
from api.json_v1 import PROBLEMS
from api.parts import Parts, TheParts
from api.v1.answers import SimulatedSession
from payments.provider import PaymentProvider, ProviderSession
from payments.simulator import AlreadySettled, Manner, Settled, Simulator

router = APIRouter(prefix="/simulator/sessions", tags=["simulator"], responses=PROBLEMS)


@asynccontextmanager
async def messages_sent(provider: PaymentProvider | None) -> AsyncIterator[None]:
    """Have the simulator send what is due, later than asked too, meanwhile."""
    if not isinstance(provider, Simulator):
        yield
        return
    sending = asyncio.create_task(provider.post.send_for_ever())
    try:
        yield
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending


@router.get("/{session_id}")
async def see_session(parts: TheParts, session_id: str) -> SimulatedSession:
    """Show a try to pay."""
    session = await simulator(parts).fetch(session_id)
    if session is None:
        raise Refused(Code.UNKNOWN_SESSION)
    return _shown(session, None)


@router.post("/{session_id}/approve")
async def approve(
    parts: TheParts, session_id: str, manner: Manner = Manner.ONCE
) -> SimulatedSession:
    """Pay; done again, the provider's message is sent again."""
    try:
        return _ended(await simulator(parts).approve(session_id, manner))
    except AlreadySettled:
        raise Refused(Code.SESSION_SETTLED) from None


@router.post("/{session_id}/refuse")
async def refuse(parts: TheParts, session_id: str) -> SimulatedSession:
    """Have the bank decline."""
    try:
        return _ended(await simulator(parts).refuse(session_id))
    except AlreadySettled:
        raise Refused(Code.SESSION_SETTLED) from None


@router.post("/{session_id}/take-back")
async def take_back(parts: TheParts, session_id: str) -> SimulatedSession:
    """Have the card holder contest what was paid."""
    try:
        return _ended(await simulator(parts).take_back(session_id))
    except AlreadySettled:
        raise Refused(Code.SESSION_SETTLED) from None


def simulator(parts: Parts) -> Simulator:
    """Name the simulator; raises Refused where another provider takes payments."""
    if not isinstance(parts.provider, Simulator):
        raise Refused(Code.PAYMENTS_NOT_OFFERED)
    return parts.provider


def _ended(settled: Settled | None) -> SimulatedSession:
    if settled is None:
        raise Refused(Code.UNKNOWN_SESSION)
    return _shown(settled.session, settled.webhook_status)


def _shown(session: ProviderSession, webhook_status: int | None) -> SimulatedSession:
    return SimulatedSession(
        session_id=session.provider_session,
        state=session.state,
        invoice_id=session.invoice_id or "",
        amount_cents=session.amount_cents,
        payment_id=session.payment.payment_id if session.payment else None,
        webhook_status=webhook_status,
    )
