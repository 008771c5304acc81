"""Taking back an old dossier instead of opening a second one.

The number alone proves nothing, and tells nothing: the answer is the same for every
number, and what follows goes to the address on file.
"""

from fastapi import APIRouter, Depends, Request, Response
from starlette.background import BackgroundTask

from api.language import Language
from api.pages.checking import Check, check_page
from api.pages.done import led_to, what_was_done
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.proofs import ask_for_proof, wish_id
from api.signin.who import SignedIn, ThePerson, own_form
from api.stories import Stories
from api.v1.telling import keep_text
from api.visitors import admit
from records.queries import dossier_numbered
from records.taking_back import person_without_account
from rules.dossier import Phase
from rules.numbers import DossierNumber
from workflows.messages import ProofPurpose

router = APIRouter(route_class=Page, include_in_schema=False)
_NUMBER = "numero"
QUESTIONS_A_MINUTE = 3
"""How many numbers one account may give in a minute (our policy, not law)."""


@router.get("/{language:fr_or_en}/reprendre")
async def write(request: Request, language: Language, _who: ThePerson) -> Response:
    """Ask for the number of the old dossier; or say what to do with the letter."""
    return _form(request, language, first_time(), Faults())


@router.post("/{language:fr_or_en}/reprendre", dependencies=[Depends(own_form)])
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    who: ThePerson,
    written: FormWritten,
) -> Response:
    """Have a link sent to the address on file, if there is one to send it to."""
    faults = Faults()
    number = faults.dossier_number(_NUMBER, written[_NUMBER])
    if number is None or written.step is Step.WRITE:
        shown = faults if written.step is not Step.WRITE else Faults()
        return _form(request, language, written, shown)
    if written.step is Step.CHECK:
        shown_once = Written({_NUMBER: number}, Step.CHECK, written.key)
        return check_page(request, language, _check(number), shown_once)
    await admit(parts, f"numbers of {who.account}", most=QUESTIONS_A_MINUTE)
    told = await _ask(parts, who, number, written.key)
    answer = led_to(f"/{language}/reprendre", "take_back", written.key)
    # After the answer, so that its hour tells nothing of the number.
    answer.background = BackgroundTask(Stories(parts.client).tell, parts.sessions, told)
    return answer


async def _ask(
    parts: Parts, who: SignedIn, number: DossierNumber, key: str
) -> list[str]:
    name = wish_id(ProofPurpose.TAKE_BACK, key)
    async with parts.sessions.begin() as session:
        await keep_text(session, name=name, dossier=number, text=number, by=who.account)
        row = await dossier_numbered(session, number)
        person = await person_without_account(session, number)
        if row is None or row.phase == Phase.CLOSED or person is None:
            return []
        return [await ask_for_proof(session, number, ProofPurpose.TAKE_BACK, name)]


def _check(number: str) -> Check:
    return Check(
        "/reprendre",
        [(Sentence("taking_back.label"), number)],
        [Sentence("taking_back.next")],
        Sentence("taking_back.send"),
    )


def _form(
    request: Request, language: Language, written: Written, faults: Faults
) -> Response:
    return page(
        request,
        "taking_back.html",
        language,
        422 if faults else 200,
        done=what_was_done(request),
        written=written,
        faults=faults,
    )
