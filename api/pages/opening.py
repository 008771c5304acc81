"""Opening a dossier: « Je désire obtenir un certificat »."""

from fastapi import APIRouter, Depends, Request, Response

from api.language import Language
from api.pages.checking import Check, check_page
from api.pages.done import done
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.signin.who import SignedIn, ThePerson, own_form
from api.stories import Stories
from api.v1.fields import EMAIL
from letters.wording import LANGUAGES
from records.clock import database_now
from records.opening import find_or_add_person, open_dossier
from rules.numbers import DossierNumber

router = APIRouter(route_class=Page, include_in_schema=False)
_NAME, _EMAIL, _LANGUAGE = "nom", "courriel", "langue"
_LONGEST = 200


@router.get("/{language:fr_or_en}/nouveau-dossier")
async def write(request: Request, language: Language, who: ThePerson) -> Response:
    """Ask for what a dossier needs; the name is known from the sign-in."""
    known = {_NAME: who.name, _LANGUAGE: language}
    written = Written(known, Step.WRITE, first_time().key)
    return _form(request, language, written, Faults())


@router.post("/{language:fr_or_en}/nouveau-dossier", dependencies=[Depends(own_form)])
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    who: ThePerson,
    written: FormWritten,
) -> Response:
    """Check the answers, show them once more, then open the dossier, once."""
    faults = _faults(written)
    if faults or written.step is Step.WRITE:
        shown = faults if written.step is not Step.WRITE else Faults()
        return _form(request, language, written, shown)
    if written.step is Step.CHECK:
        return check_page(request, language, _check(written), written)
    number = await _open(parts, who, written)
    await Stories(parts.client).begin(number)
    return done(language, number, "opened", written.key)


def _check(written: Written) -> Check:
    return Check(
        "/nouveau-dossier",
        [
            (Sentence("opening.name"), written[_NAME]),
            (Sentence("opening.email"), written[_EMAIL]),
            (Sentence("opening.language"), tongue(written[_LANGUAGE])),
        ],
        [Sentence("opening.next")],
        Sentence("opening.send"),
    )


async def _open(parts: Parts, who: SignedIn, written: Written) -> DossierNumber:
    async with parts.sessions.begin() as session:
        person_id = await find_or_add_person(
            session,
            name=written[_NAME],
            email=written[_EMAIL],
            language=written[_LANGUAGE],
            sign_in_subject=who.account,
        )
        at = await database_now(session)
        return await open_dossier(session, person_id=person_id, at=at, key=written.key)


def _faults(written: Written) -> Faults:
    faults = Faults()
    name = written[_NAME]
    if not name or "\n" in name or len(name) > _LONGEST:
        faults.add(_NAME, "opening.fault_name")
    fault_of_address(faults, _EMAIL, written[_EMAIL])
    fault_of_language(faults, _LANGUAGE, written[_LANGUAGE])
    return faults


def fault_of_address(faults: Faults, name: str, email: str) -> None:
    """Note an address that cannot be written to."""
    if not EMAIL.fullmatch(email) or len(email) > _LONGEST:
        faults.add(name, "opening.fault_email")


def fault_of_language(faults: Faults, name: str, language: str) -> None:
    """Note a language in which no letter is written."""
    if language not in LANGUAGES:
        faults.add(name, "opening.fault_language")


def tongue(language: str) -> Sentence:
    """Name a language of letters."""
    return Sentence("opening.english" if language == "en" else "opening.french")


def _form(
    request: Request, language: Language, written: Written, faults: Faults
) -> Response:
    return page(
        request,
        "opening.html",
        language,
        422 if faults else 200,
        written=written,
        faults=faults,
    )
