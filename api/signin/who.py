"""Who asks for a page: nobody yet, a person, an agency, an officer of the Office."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Depends, Form, Request

from api.access import Role
from api.codes import Code
from api.errors import Refused
from api.parts import parts_of
from api.signin.cookies import Cookies, form_token_of, hash_of
from records.sessions import Session, ends_at, session_of

HOMES: Mapping[Role, str] = {
    Role.REPRESENTATIVE: "dossier",
    Role.AGENCY: "agence",
    Role.OFFICER: "bureau",
}
"""The first page of each role, behind the language."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, and until when if the page is left alone.

    *account* is pseudonymous and is what timelines and decisions keep. *decides* tells
    an officer who may decide a refusal.
    """

    account: str
    role: Role
    name: str
    decides: bool
    acr: str | None
    ends_at: datetime
    session_hash: str
    form_token: str


Reason = Literal["decision"]
"""For what a stronger sign-in is needed."""


class SignInNeeded(Exception):  # noqa: N818 - it is what is needed, not a fault
    """Nobody, or somebody of another role, asks for a page of *role*.

    With *why*: the right person, whose sign-in is not strong enough for that.
    """

    def __init__(self, role: Role, why: Reason | None = None) -> None:
        super().__init__(str(role))
        self.role = role
        self.why = why


class PrintedBefore(Exception):  # noqa: N818 - it is what happened, not a fault
    """A page of ours sends a form that an earlier session printed, *who*'s or not."""

    def __init__(self, who: SignedIn) -> None:
        super().__init__(who.account)
        self.who = who


async def whoever(request: Request) -> SignedIn | None:
    """Name who is signed in, if anybody is; asked of the records once a request."""
    if not hasattr(request.state, "signed_in"):
        request.state.signed_in = await _signed_in(request)
    found: SignedIn | None = request.state.signed_in
    return found


async def _signed_in(request: Request) -> SignedIn | None:
    parts = parts_of(request)
    value = Cookies.at(parts.settings.public_url).session(request)
    if value is None:
        return None
    async with parts.sessions.begin() as session:
        found = await session_of(session, hash_of(value))
    return None if found is None else _shown(found, value)


def _shown(found: Session, value: str) -> SignedIn:
    return SignedIn(
        account=found.account,
        role=Role(found.role),
        name=found.name,
        decides=found.decides,
        acr=found.acr,
        ends_at=ends_at(found),
        session_hash=found.session_hash,
        form_token=form_token_of(value),
    )


class SignedInAs:
    """A dependency that lets some roles through; raises SignInNeeded for all others."""

    def __init__(self, role: Role, *others: Role) -> None:
        self.roles = (role, *others)

    async def __call__(self, request: Request) -> SignedIn:
        """Name who is signed in."""
        found = await whoever(request)
        if found is None or found.role not in self.roles:
            raise SignInNeeded(self.roles[0])
        return found


Whoever = Annotated[SignedIn | None, Depends(whoever)]
ThePerson = Annotated[SignedIn, Depends(SignedInAs(Role.REPRESENTATIVE))]
TheAgency = Annotated[SignedIn, Depends(SignedInAs(Role.AGENCY))]
TheOfficer = Annotated[SignedIn, Depends(SignedInAs(Role.OFFICER))]
TheReader = Annotated[SignedIn, Depends(SignedInAs(Role.REPRESENTATIVE, Role.OFFICER))]
"""Who may look into a dossier, if it is theirs to see: a person, or an officer."""


async def deciding_officer(request: Request, who: TheOfficer) -> SignedIn:
    """Let an officer through whose sign-in is strong enough to decide on a right."""
    wanted = parts_of(request).settings.decision_acr
    if wanted is not None and who.acr not in wanted.split():
        raise SignInNeeded(Role.OFFICER, "decision")
    return who


TheDecidingOfficer = Annotated[SignedIn, Depends(deciding_officer)]


async def own_form(
    request: Request,
    who: Whoever,
    form_token: Annotated[str, Form()] = "",
) -> None:
    """Refuse a form that a page elsewhere sent, or that another session printed.

    Raises PrintedBefore where a page of ours sends it: it may be one's own, of before
    one signed in again. Without a session nothing is done in anybody's name: who comes
    back too late is led to sign in again.
    """
    came_from = request.headers.get("sec-fetch-site")
    if came_from is None:
        origin = request.headers.get("origin")
        elsewhere = origin is not None and origin != _own_origin(request)
    else:
        elsewhere = came_from not in {"same-origin", "none"}
    if elsewhere:
        raise Refused(Code.FOREIGN_FORM)
    if who is not None and not _same(form_token, who.form_token):
        ours = came_from == "same-origin" or request.headers.get("origin") is not None
        raise PrintedBefore(who) if ours else Refused(Code.FOREIGN_FORM)


def _same(told: str, own: str) -> bool:
    return hmac.compare_digest(told.encode(), own.encode())


def _own_origin(request: Request) -> str:
    return parts_of(request).settings.public_url.rstrip("/")


def sign_in_path(
    request: Request,
    language: str,
    why: Reason | None = None,
    back_to: str | None = None,
) -> str:
    """Name the page of the doors, which leads back here, or to *back_to*."""
    query = f"?{request.url.query}" if request.url.query else ""
    back = quote(back_to or f"{request.url.path}{query}", safe="")
    stronger = f"&pour={why}" if why else ""
    return f"/{language}/connexion?retour={back}{stronger}"
