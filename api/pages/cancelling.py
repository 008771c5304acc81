"""Cancelling a dossier: what it means first, then a reason, then once more."""

from fastapi import APIRouter, Depends, Request, Response

from api.errors import Refused
from api.language import Language
from api.pages.checking import Check, check_page
from api.pages.done import done
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.mine import MyDossier, number_of, speaking_for
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import TheParts
from api.signin.who import ThePerson, own_form
from api.v1.dossiers import cancel
from records.models import DossierRow
from rules.dossier import Phase
from workflows.messages import Refusal

router = APIRouter(route_class=Page, include_in_schema=False)
_WHY = "raison"


@router.get("/{language:fr_or_en}/dossier/{number}/annulation")
async def write(request: Request, language: Language, mine: MyDossier) -> Response:
    """Say what cancelling means and what one can do instead; ask why."""
    return _form(request, language, mine, first_time(), Faults())


@router.post(
    "/{language:fr_or_en}/dossier/{number}/annulation", dependencies=[Depends(own_form)]
)
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    who: ThePerson,
    mine: MyDossier,
    written: FormWritten,
) -> Response:
    """Show once more what would be cancelled; then cancel it, once."""
    faults = Faults()
    if not written[_WHY]:
        faults.add(_WHY, "cancelling.fault_why")
    if faults or written.step is Step.WRITE:
        shown = faults if written.step is not Step.WRITE else Faults()
        return _form(request, language, mine, written, shown)
    if written.step is Step.CHECK:
        return check_page(request, language, _check(mine, written), written)
    try:
        await cancel(
            parts, speaking_for(who), number_of(mine), written[_WHY], key=written.key
        )
    except Refused as refused:
        faults.refused(_WHY, refused)
        return _form(request, language, mine, written, faults)
    return done(language, mine.number, "cancel", written.key)


def _check(mine: DossierRow, written: Written) -> Check:
    return Check(
        f"/dossier/{mine.number}/annulation",
        [
            (Sentence("cancelling.row_what"), mine.number),
            (Sentence("cancelling.label"), written[_WHY]),
        ],
        [Sentence("cancelling.for_good"), Sentence("cancelling.next")],
        Sentence("cancelling.send"),
        mine.number,
    )


def _form(
    request: Request,
    language: Language,
    mine: DossierRow,
    written: Written,
    faults: Faults,
) -> Response:
    if mine.phase == Phase.CLOSED and not faults:
        raise Refused(Refusal.WRONG_PHASE)
    return page(
        request,
        "cancelling.html",
        language,
        422 if faults else 200,
        mine=mine,
        holds=mine.phase in {Phase.IN_FORCE, Phase.SUSPENDED},
        written=written,
        faults=faults,
    )
