"""Observations before a refusal: what the Office intends, and a person's answer."""

from fastapi import APIRouter, Depends, Request, Response

from api.errors import Refused
from api.language import Language
from api.pages.checking import Check, check_page
from api.pages.done import done
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.mine import MyDossier, number_of, speaking_for
from api.pages.rendering import Page, page
from api.pages.telling import letters_kept
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.signin.who import ThePerson, own_form
from api.v1.dossiers import observe
from api.v1.showing import own_now
from letters.facts import Notice
from records.dossiers import restored
from records.models import DossierRow
from records.queries import letters_of
from rules.civil_time import civil_date
from rules.dossier import Stage, TransferRequest
from workflows.messages import Refusal

router = APIRouter(route_class=Page, include_in_schema=False)
_TEXT = "texte"


@router.get("/{language:fr_or_en}/dossier/{number}/observations")
async def write(
    request: Request, parts: TheParts, language: Language, mine: MyDossier
) -> Response:
    """Say what is intended and until when one may answer; ask for the answer."""
    return await _form(request, parts, language, mine, first_time(), Faults())


@router.post(
    "/{language:fr_or_en}/dossier/{number}/observations",
    dependencies=[Depends(own_form)],
)
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    who: ThePerson,
    mine: MyDossier,
    written: FormWritten,
) -> Response:
    """Show the text once more, then put it before the officer who decides."""
    faults = Faults()
    if not written[_TEXT]:
        faults.add(_TEXT, "observing.fault_text")
    if faults or written.step is Step.WRITE:
        shown = faults if written.step is not Step.WRITE else Faults()
        return await _form(request, parts, language, mine, written, shown)
    if written.step is Step.CHECK:
        return check_page(request, language, _check(mine, written), written)
    try:
        await observe(
            parts, speaking_for(who), number_of(mine), written[_TEXT], key=written.key
        )
    except Refused as refused:
        faults.refused(_TEXT, refused)
        return await _form(request, parts, language, mine, written, faults)
    return done(language, mine.number, "observe", written.key)


def _check(mine: DossierRow, written: Written) -> Check:
    return Check(
        f"/dossier/{mine.number}/observations",
        [(Sentence("observing.label"), written[_TEXT])],
        [Sentence("observing.next")],
        Sentence("observing.send"),
        mine.number,
    )


async def _form(
    request: Request,
    parts: Parts,
    language: Language,
    mine: DossierRow,
    written: Written,
    faults: Faults,
) -> Response:
    intended = _intended(mine)
    async with parts.sessions() as session:
        today = civil_date(await own_now(session, mine.number))
        letters = await letters_of(session, mine.number)
    notices = [each for each in letters if each.notice == Notice.INTENDED_REFUSAL]
    return page(
        request,
        "observing.html",
        language,
        422 if faults else 200,
        mine=mine,
        until=intended.observe_until,
        today=today,
        notices=letters_kept(notices[-1:]),
        written=written,
        faults=faults,
    )


def _intended(mine: DossierRow) -> TransferRequest:
    """Find the request that may be refused; raises Refused when none may."""
    request = restored(mine.facts).request
    if request is None or request.stage is not Stage.NOTICE_GIVEN:
        raise Refused(Refusal.WRONG_PHASE)
    return request
