"""The simulated provider's hosted page: every button of a payment, no money."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, Response, status
from fastapi.responses import RedirectResponse

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.rendering import Page, page
from api.parts import TheParts
from api.signin.who import own_form
from api.simulated_payments import simulator
from payments.simulator import AlreadySettled, Manner, Settled, Simulator

router = APIRouter(route_class=Page, include_in_schema=False)
Button = Literal[
    "once", "late", "twice", "out_of_order", "never", "refuse", "abandon", "take_back"
]
_WAYS_TO_PAY = ("once", "late", "twice", "out_of_order", "never")
_Press = Callable[[Simulator, str], Awaitable[Settled | None]]
_PRESSED: Mapping[str, _Press] = {
    "refuse": lambda provider, name: provider.refuse(name),
    "take_back": lambda provider, name: provider.take_back(name),
}


@router.get("/{language:fr_or_en}/simulateur/{session_id}")
async def see(
    request: Request, parts: TheParts, language: Language, session_id: str
) -> Response:
    """Show what is asked, and what the person, the bank or the network may do."""
    provider = simulator(parts)
    order = await provider.order_of(session_id)
    session = await provider.fetch(session_id)
    if order is None or session is None:
        raise Refused(Code.UNKNOWN_SESSION)
    return page(
        request,
        "simulator.html",
        language,
        order=order,
        session=session,
        ways_to_pay=_WAYS_TO_PAY,
    )


@router.post(
    "/{language:fr_or_en}/simulateur/{session_id}", dependencies=[Depends(own_form)]
)
async def press(
    parts: TheParts,
    session_id: str,
    button: Annotated[Button, Form()],
) -> Response:
    """Do what a button says, then lead back to where the person came from."""
    provider = simulator(parts)
    order = await provider.order_of(session_id)
    if order is None:
        raise Refused(Code.UNKNOWN_SESSION)
    try:
        if button in _WAYS_TO_PAY:
            await provider.approve(session_id, Manner(button))
        elif button != "abandon":
            await _PRESSED[button](provider, session_id)
    except AlreadySettled:
        raise Refused(Code.SESSION_SETTLED) from None
    return RedirectResponse(order.return_url, status.HTTP_303_SEE_OTHER)
