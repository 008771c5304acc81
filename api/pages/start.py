"""The start page: what this is for, what it costs, and the three doors."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.language import Language
from api.pages.rendering import Page, page, preferred, static
from api.parts import Parts, TheParts
from records.clock import database_now
from records.fees import policy_in_force
from rules.civil_time import civil_date
from rules.dossier import Kind, Operation
from rules.fees import amount_on
from rules.policy import Policy

router = APIRouter(route_class=Page, include_in_schema=False)
_A_YEAR_S = 31_536_000
_LOG = "/api/log"


@dataclass(frozen=True, slots=True)
class Cost:
    """The fees of a day, in cents, and the last day on which they may hold."""

    today: date
    issue_cents: int
    renewal_cents: int
    until: date
    confirmed: bool


@router.get("/")
async def choose_language(request: Request) -> Response:
    """Lead to the start page in the browser's language."""
    answer = RedirectResponse(f"/{preferred(request)}")
    answer.headers["Vary"] = "Accept-Language"
    return answer


@router.get("/static/portal.{kind}")
async def read_static(kind: Literal["css", "js"]) -> Response:
    """Give the stylesheet or the script; the address changes with it: it is kept."""
    kept = {"Cache-Control": f"public, max-age={_A_YEAR_S}, immutable"}
    media_type = {"css": "text/css", "js": "text/javascript"}[kind]
    return Response(static(f"portal.{kind}"), media_type=media_type, headers=kept)


@router.get("/{language:fr_or_en}")
async def start(request: Request, parts: TheParts, language: Language) -> HTMLResponse:
    """Say what the service is for; on the embedded stack, where everything is."""
    async with parts.sessions() as session:
        today = civil_date(await database_now(session))
        policy = await policy_in_force(session, Kind.CAR, today)
    return page(
        request,
        "start.html",
        language,
        cost=cost_on(today, policy),
        inbox_url=_inbox_of(parts),
        temporal_url=parts.settings.temporal_ui_url,
    )


def cost_on(today: date, policy: Policy) -> Cost:
    """Name the fees of *today* and the last day before they are indexed or change."""
    fees = [amount_on(today, operation, policy) for operation in Operation]
    later = [
        fee.starts_on
        for fee in (*policy.fees_issue, *policy.fees_renewal)
        if fee.starts_on > today
    ]
    indexed = date(today.year, 7, 1)
    if indexed <= today:
        indexed = date(today.year + 1, 7, 1)
    return Cost(
        today,
        amount_on(today, Operation.ISSUE, policy).cents,
        amount_on(today, Operation.RENEWAL, policy).cents,
        min([indexed, *later]) - timedelta(days=1),
        all(fee.confirmed for fee in fees),
    )


def _inbox_of(parts: Parts) -> str | None:
    """Name the mail catcher's pages: the relay's log is one of its own."""
    log = parts.settings.relay_log_url
    return log.removesuffix(_LOG) if log and log.endswith(_LOG) else None
