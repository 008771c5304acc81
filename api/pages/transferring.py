"""Asking for the exam result of an expired certificate: the web twin of the e-mail."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request, Response

from api.errors import Refused
from api.language import Language
from api.pages.checking import Check, check_page
from api.pages.done import done
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.mine import MyDossier, number_of, speaking_for
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.signin.who import SignedIn, ThePerson, own_form
from api.v1.telling import ask, command_id
from records.accounts import dossiers_of_account
from records.models import DossierRow
from rules.dossier import Phase
from workflows.messages import RequestTransfer

router = APIRouter(route_class=Page, include_in_schema=False)
_FIELD = "certificat"


@router.get("/{language:fr_or_en}/dossier/{number}/transfert")
async def write(
    request: Request,
    parts: TheParts,
    language: Language,
    who: ThePerson,
    mine: MyDossier,
) -> Response:
    """Ask once for the number of the expired certificate; propose one's own."""
    own = await _own_expired(parts, who)
    known = Written({_FIELD: own[0]}, Step.WRITE, "") if len(own) == 1 else None
    written = first_time()
    if known is not None:
        written = Written(known.answers, Step.WRITE, written.key)
    return await _form(request, parts, language, mine, who, written, Faults())


@router.post(
    "/{language:fr_or_en}/dossier/{number}/transfert", dependencies=[Depends(own_form)]
)
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    who: ThePerson,
    mine: MyDossier,
    written: FormWritten,
) -> Response:
    """Check the answer, show it once more, then ask the story."""
    faults = Faults()
    certificate = faults.dossier_number(_FIELD, written[_FIELD])
    if certificate is None or written.step is Step.WRITE:
        return await _form(request, parts, language, mine, who, written, faults)
    if written.step is Step.CHECK:
        shown = Written({_FIELD: certificate}, Step.CHECK, written.key)
        return check_page(request, language, _check(mine, certificate), shown)
    command = RequestTransfer(
        command_id=command_id("request_transfer", written.key),
        by=who.account,
        certificate=certificate,
    )
    try:
        await ask(parts, speaking_for(who), number_of(mine), command, key=written.key)
    except Refused as refused:
        faults.refused(_FIELD, refused)
        return await _form(request, parts, language, mine, who, written, faults)
    return done(language, mine.number, "transfer", written.key)


def _check(mine: DossierRow, certificate: str) -> Check:
    return Check(
        f"/dossier/{mine.number}/transfert",
        [
            (Sentence("transfer.row_new"), mine.number),
            (Sentence("transfer.row_wish"), Sentence("transfer.wish")),
            (Sentence("transfer.row_old"), certificate),
        ],
        [Sentence("transfer.next")],
        Sentence("transfer.send"),
        mine.number,
    )


async def _form(
    request: Request,
    parts: Parts,
    language: Language,
    mine: DossierRow,
    who: SignedIn,
    written: Written,
    faults: Faults,
) -> Response:
    return page(
        request,
        "transfer.html",
        language,
        422 if faults else 200,
        mine=mine,
        own=await _own_expired(parts, who),
        written=written,
        faults=faults,
    )


async def _own_expired(parts: Parts, who: SignedIn) -> Sequence[str]:
    """Name the expired dossiers of the same account: they are proposed, not asked."""
    async with parts.sessions() as session:
        rows = await dossiers_of_account(session, who.account)
    return [row.number for row in rows if row.phase == Phase.EXPIRED]
