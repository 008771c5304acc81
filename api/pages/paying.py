"""Paying one's invoice by card: what is asked, the way there, and the way back."""

from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.responses import RedirectResponse

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.forms import first_time
from api.pages.mine import MyDossier, number_of
from api.pages.rendering import Page, page
from api.parts import Parts, TheParts
from api.signin.who import SignedIn, ThePerson, own_form
from api.v1.payments import provider_at, try_to_pay, what_is_due
from intake.paying import Outcome, how_it_ended
from records.accounts import dossier_of_account
from records.invoices import number_of_invoice
from records.models import DossierRow, PaymentSession
from records.queries import dossier_of_invoice

router = APIRouter(route_class=Page, include_in_schema=False)


@router.get("/{language:fr_or_en}/dossier/{number}/paiement")
async def see(
    request: Request, parts: TheParts, language: Language, mine: MyDossier
) -> Response:
    """Show what is to pay, for what, until when; refused when it would be in vain."""
    provider = provider_at(parts)
    due, payer = await what_is_due(parts, number_of(mine), language)
    async with parts.sessions() as session:
        invoice_number = await number_of_invoice(session, due.invoice.invoice_id)
    answer = page(
        request,
        "paying.html",
        language,
        mine=mine,
        due=due,
        payer=payer,
        invoice_number=invoice_number or due.invoice.invoice_id,
        written=first_time(),
    )
    return _may_lead_to(answer, provider.pay_origin)


@router.post(
    "/{language:fr_or_en}/dossier/{number}/paiement", dependencies=[Depends(own_form)]
)
async def go_and_pay(parts: TheParts, language: Language, mine: MyDossier) -> Response:
    """Lead to the provider's page; two browsers are led to the same one."""
    _, begun = await try_to_pay(parts, number_of(mine), language)
    return RedirectResponse(begun.pay_url, status.HTTP_303_SEE_OTHER)


@router.get("/{language:fr_or_en}/paiement/{session_id}")
async def come_back(
    request: Request,
    parts: TheParts,
    language: Language,
    who: ThePerson,
    session_id: str,
) -> Response:
    """Say how a try to pay ended; the provider is asked when it has not told."""
    ours, mine = await _own_try(parts, who, session_id)
    outcome, fact_ids = await how_it_ended(parts.sessions, provider_at(parts), ours)
    await parts.courier.tell(fact_ids)
    async with parts.sessions() as session:
        invoice_number = await number_of_invoice(session, ours.invoice_id)
    answer = page(
        request,
        "paid.html",
        language,
        mine=mine,
        outcome=outcome,
        ours=ours,
        invoice_number=invoice_number or ours.invoice_id,
    )
    if outcome in {Outcome.OPEN, Outcome.UNKNOWN}:
        answer.headers["Refresh"] = _LOOKS_AGAIN_S
    return answer


_LOOKS_AGAIN_S = "20"
"""After so many seconds the page asks again by itself, a script or none."""


async def _own_try(
    parts: Parts, who: SignedIn, session_id: str
) -> tuple[PaymentSession, DossierRow]:
    """Find one's own try; another's is refused just as one that does not exist."""
    async with parts.sessions() as session:
        ours = await session.get(PaymentSession, session_id.replace("\0", ""))
        number = ours and await dossier_of_invoice(session, ours.invoice_id)
        mine = number and await dossier_of_account(session, who.account, number)
    if ours is None or not mine:
        raise Refused(Code.UNKNOWN_SESSION)
    return ours, mine


def _may_lead_to(answer: Response, origin: str) -> Response:
    """Let the form of a page lead to the provider: browsers check where it ends up."""
    policy = answer.headers["Content-Security-Policy"]
    answer.headers["Content-Security-Policy"] = policy.replace(
        "form-action 'self'", f"form-action 'self' {origin}"
    )
    return answer
