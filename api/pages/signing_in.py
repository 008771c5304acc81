"""Signing in and out: the doors, the way to the provider and back, one's sessions."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal, get_args
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from api.access import Role
from api.language import Language
from api.pages.naming import browser_name
from api.pages.rendering import Page, page, preferred
from api.pages.words import Voice
from api.parts import Parts, TheParts
from api.signin.cookies import Cookies, form_token_of, hash_of, new_value
from api.signin.provider import (
    Audience,
    Identity,
    Registration,
    RelyingParty,
    SignInFailed,
    registrations,
)
from api.signin.who import HOMES, Reason, Whoever, own_form, sign_in_path
from api.visitors import admit_sign_in
from records.sessions import (
    Session,
    SignIn,
    begin_session,
    end,
    end_all_but,
    ended_sessions_of,
    extend,
    keep_sign_in,
    open_sessions_of,
    take_sign_in,
)
from settings import Settings

log = logging.getLogger(__name__)
router = APIRouter(route_class=Page, include_in_schema=False)

CALLBACK = "/connexion/retour"
_LONGEST = 2000
_BROWSER_CHARACTERS = 200
DOORS: Mapping[str, tuple[Audience, Role]] = {
    "personne": (Audience.PERSON, Role.REPRESENTATIVE),
    "agence": (Audience.BUSINESS, Role.AGENCY),
    "office": (Audience.STAFF, Role.OFFICER),
}
"""The doors by their names in addresses."""

Why = Literal["away", "refused", "untrue", "too_weak", "old", "no_group"]
_CODES: Mapping[Why | None, int] = {
    "away": status.HTTP_503_SERVICE_UNAVAILABLE,
    **dict.fromkeys(get_args(Why)[1:], status.HTTP_403_FORBIDDEN),
}
_DECIDES = Role.OFFICER
"""Who decides on a right, and may need a stronger sign-in for it."""
_ENDED_SHOWN = 10
Wish = Annotated[str, Query(alias="retour", max_length=_LONGEST)]


class Parties:
    """Our side of the conversation with each provider; kept as long as the service."""

    def __init__(self, settings: Settings) -> None:
        """Prepare for the audiences that the settings name."""
        callback = f"{settings.public_url.rstrip('/')}{CALLBACK}"
        known: dict[Audience, Registration] = registrations(settings)
        self.by_audience = {
            audience: RelyingParty(registration, callback=callback)
            for audience, registration in known.items()
        }


@router.get("/{language:fr_or_en}/connexion")
async def choose_door(
    request: Request,
    language: Language,
    who: Whoever,
    wish: Wish = "",
    failed: Annotated[Why | None, Query(alias="echec")] = None,
    why: Annotated[Reason | None, Query(alias="pour")] = None,
) -> Response:
    """Show the doors that are open here, and why the last one did not open.

    For a stronger sign-in there is one door: that of who needs it.
    """
    return page(
        request,
        "signing_in.html",
        language,
        _CODES.get(failed, status.HTTP_200_OK),
        who=who,
        doors=_open_doors(request, why),
        wish=_own_path(wish) or "",
        failed=failed,
        why=why,
        kept="etape=" in wish,
    )


@router.get(
    "/{language:fr_or_en}/connexion/{door}", dependencies=[Depends(admit_sign_in)]
)
async def begin(
    request: Request,
    parts: TheParts,
    language: Language,
    door: str,
    wish: Wish = "",
    why: Annotated[Reason | None, Query(alias="pour")] = None,
) -> Response:
    """Lead to the provider of a door; the way back is tied to this browser."""
    if door not in _open_doors(request, why):
        return _back_to_doors(language, wish)
    audience, role = DOORS[door]
    party = _parties(request).by_audience[audience]
    state, browser, nonce, verifier = (new_value() for _ in range(4))
    acr = parts.settings.decision_acr if why else None
    try:
        url = await party.authorization_url(
            state=state, nonce=nonce, verifier=verifier, language=language, acr=acr
        )
    except SignInFailed as failed:
        return _back_to_doors(language, wish, failed)
    async with parts.sessions.begin() as session:
        begun = SignIn(
            state_hash=hash_of(state),
            browser_hash=hash_of(browser),
            audience=audience,
            nonce=nonce,
            verifier=verifier,
            acr=acr,
            language=language,
            return_to=_own_path(wish) or f"/{language}/{HOMES[role]}",
        )
        await keep_sign_in(session, begun)
    answer = RedirectResponse(url, status.HTTP_303_SEE_OTHER)
    Cookies.at(parts.settings.public_url).keep_browser(answer, browser)
    return answer


@router.get(CALLBACK)
async def come_back(
    request: Request,
    parts: TheParts,
    state: Annotated[str, Query(max_length=_LONGEST)] = "",
    code: Annotated[str, Query(max_length=_LONGEST)] = "",
) -> Response:
    """Take who comes back from a provider, once; begin a session of ours."""
    cookies = Cookies.at(parts.settings.public_url)
    browser = cookies.browser(request) or ""
    async with parts.sessions.begin() as session:
        begun = await take_sign_in(session, hash_of(state), hash_of(browser))
    if begun is None:
        old = SignInFailed("old", "no such sign-in")
        return _back_to_doors(preferred(request), "", old)
    language: Language = "en" if begun.language == "en" else "fr"
    party = _parties(request).by_audience[Audience(begun.audience)]
    try:
        identity = await party.redeem(
            code, nonce=begun.nonce, verifier=begun.verifier, acr=begun.acr
        )
        value = await _begin_session(
            parts, request, identity, instead_of=cookies.session(request)
        )
    except SignInFailed as failed:
        return _back_to_doors(language, begun.return_to, failed)
    answer = RedirectResponse(begun.return_to, status.HTTP_303_SEE_OTHER)
    cookies.keep_session(answer, value)
    cookies.forget_browser(answer)
    return answer


@router.post("/{language:fr_or_en}/deconnexion", dependencies=[Depends(own_form)])
async def sign_out(
    request: Request, parts: TheParts, language: Language, who: Whoever
) -> Response:
    """End the session, here and now; name the provider's own way out."""
    elsewhere = None
    if who is not None:
        async with parts.sessions.begin() as session:
            row = await session.get(Session, who.session_hash)
            if row is not None:
                await end(session, who.account, row.session_id)
        audience = Audience(who.account.partition(":")[0])
        party = _parties(request).by_audience.get(audience)
        elsewhere = await party.end_session_url() if party else None
    request.state.signed_in = None
    answer = page(request, "signed_out.html", language, elsewhere=elsewhere)
    Cookies.at(parts.settings.public_url).forget_session(answer)
    return answer


@router.post("/{language:fr_or_en}/session", dependencies=[Depends(own_form)])
async def stay(
    parts: TheParts,
    language: Language,
    who: Whoever,
    wish: Annotated[str, Form(alias="retour", max_length=_LONGEST)] = "",
) -> Response:
    """Begin the idle time of this session again, and go back to the page."""
    if who is not None:
        async with parts.sessions.begin() as session:
            await extend(session, who.session_hash)
    back = _own_path(wish) or f"/{language}"
    return RedirectResponse(back, status.HTTP_303_SEE_OTHER)


@router.get("/{language:fr_or_en}/sessions")
async def list_sessions(
    request: Request, parts: TheParts, language: Language, who: Whoever
) -> Response:
    """Show where this account is signed in."""
    if who is None:
        return RedirectResponse(
            sign_in_path(request, language), status.HTTP_303_SEE_OTHER
        )
    async with parts.sessions() as session:
        rows = await open_sessions_of(session, who.account)
        ended = await ended_sessions_of(session, who.account, limit=_ENDED_SHOWN)
    return page(
        request,
        "sessions.html",
        language,
        who=who,
        rows=rows,
        ended=ended,
        browser=partial(browser_name, Voice(language)),
    )


@router.post("/{language:fr_or_en}/sessions", dependencies=[Depends(own_form)])
async def end_session(
    parts: TheParts,
    language: Language,
    who: Whoever,
    session_id: Annotated[UUID, Form()],
) -> Response:
    """End one session of this account."""
    if who is not None:
        async with parts.sessions.begin() as session:
            await end(session, who.account, session_id)
    return RedirectResponse(f"/{language}/sessions", status.HTTP_303_SEE_OTHER)


@router.post("/{language:fr_or_en}/sessions/autres", dependencies=[Depends(own_form)])
async def end_others(parts: TheParts, language: Language, who: Whoever) -> Response:
    """End every session of this account but the one that asks."""
    if who is not None:
        async with parts.sessions.begin() as session:
            await end_all_but(session, who.account, who.session_hash)
    return RedirectResponse(f"/{language}/sessions", status.HTTP_303_SEE_OTHER)


async def _begin_session(
    parts: Parts, request: Request, identity: Identity, *, instead_of: str | None
) -> str:
    """Begin a session under a new value; raises SignInFailed without a right to one.

    The one that this browser had before ends with it.
    """
    settings = parts.settings
    role = next(r for a, r in DOORS.values() if a is identity.audience)
    decides = settings.sign_in_decider_group in identity.groups
    if role is Role.OFFICER and not (
        decides or settings.sign_in_officer_group in identity.groups
    ):
        raise SignInFailed("no_group", "neither officer nor decider")
    value = new_value()
    browser = request.headers.get("user-agent", "")
    begun = Session(
        session_hash=hash_of(value),
        account=f"{identity.audience}:{identity.subject}",
        role=role,
        decides=decides and role is Role.OFFICER,
        name=identity.name,
        acr=identity.acr,
        browser=browser[:_BROWSER_CHARACTERS],
        form_hash=hash_of(form_token_of(value)),
    )
    before = hash_of(instead_of) if instead_of else None
    async with parts.sessions.begin() as session:
        await begin_session(session, begun, instead_of=before)
    return value


def _back_to_doors(
    language: Language, wish: str, failed: SignInFailed | None = None
) -> Response:
    said = {"retour": wish} if _own_path(wish) else {}
    if failed is not None:
        log.warning("sign-in failed: %s", failed)
        said["echec"] = failed.why
    query = f"?{urlencode(said)}" if said else ""
    return RedirectResponse(f"/{language}/connexion{query}", status.HTTP_303_SEE_OTHER)


def _open_doors(request: Request, why: Reason | None) -> tuple[str, ...]:
    known = _parties(request).by_audience
    return tuple(
        name
        for name, (audience, role) in DOORS.items()
        if audience in known and (why is None or role is _DECIDES)
    )


def _parties(request: Request) -> Parties:
    parties = request.app.state.sign_in
    assert isinstance(parties, Parties)
    return parties


def _own_path(wish: str) -> str | None:
    """Take a way back only to a page of ours."""
    split = urlsplit(wish)
    ours = split.path.startswith(("/fr/", "/en/")) or split.path in {"/fr", "/en"}
    plain = (
        not (split.scheme or split.netloc) and "\\" not in wish and wish.isprintable()
    )
    return wish if ours and plain else None
