"""The simulated provider's own door: play the person who pays. One machine only."""

from fastapi import APIRouter

from api.codes import Code
from api.errors import Refused
from api.json_v1 import PROBLEMS
from api.parts import Parts, TheParts
from api.v1.answers import SimulatedSession
from payments.provider import ProviderSession
from payments.simulator import AlreadySettled, Settled, Simulator

router = APIRouter(prefix="/simulator/sessions", tags=["simulator"], responses=PROBLEMS)


@router.get("/{session_id}")
async def see_session(parts: TheParts, session_id: str) -> SimulatedSession:
    """Show a try to pay."""
    session = await _simulator(parts).fetch(session_id)
    if session is None:
        raise Refused(Code.UNKNOWN_SESSION)
    return _shown(session, None)


@router.post("/{session_id}/approve")
async def approve(parts: TheParts, session_id: str) -> SimulatedSession:
    """Pay; done again, the provider's message is sent again."""
    try:
        return _ended(await _simulator(parts).approve(session_id))
    except AlreadySettled:
        raise Refused(Code.SESSION_SETTLED) from None


@router.post("/{session_id}/refuse")
async def refuse(parts: TheParts, session_id: str) -> SimulatedSession:
    """Have the bank decline."""
    try:
        return _ended(await _simulator(parts).refuse(session_id))
    except AlreadySettled:
        raise Refused(Code.SESSION_SETTLED) from None


def _simulator(parts: Parts) -> Simulator:
    if not isinstance(parts.provider, Simulator):
        raise Refused(Code.PAYMENTS_NOT_OFFERED)
    return parts.provider


def _ended(settled: Settled | None) -> SimulatedSession:
    if settled is None:
        raise Refused(Code.UNKNOWN_SESSION)
    return _shown(settled.session, settled.webhook_status)


def _shown(session: ProviderSession, webhook_status: int | None) -> SimulatedSession:
    return SimulatedSession(
        session_id=session.session_id,
        state=session.state,
        invoice_id=session.order.invoice_id,
        amount_cents=session.order.amount_cents,
        payment_id=session.payment_id,
        webhook_status=webhook_status,
    )
