"""Where we write to a person, and in which language."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import Refused
from api.language import Language
from api.pages.checking import Check, Row, check_page
from api.pages.done import led_to, what_was_done
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.opening import fault_of_address, fault_of_language, tongue
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.proofs import ask_for_proof, wish_id
from api.signin.who import SignedIn, ThePerson, own_form
from api.stories import Stories
from api.v1.telling import keep_text
from api.visitors import admit
from records.accounts import dossiers_of_account, person_with_account
from records.models import Person
from rules.dossier import Phase
from rules.numbers import DossierNumber
from workflows.messages import ProofPurpose, Refusal

router = APIRouter(route_class=Page, include_in_schema=False)
_EMAIL, _LANGUAGE = "courriel", "langue"
LETTERS_A_MINUTE = 3
"""How many links one account may have sent in a minute (our policy, not law)."""


@router.get("/{language:fr_or_en}/mes-coordonnees")
async def write(
    request: Request, parts: TheParts, language: Language, who: ThePerson
) -> Response:
    """Show the address and the language on file; ask for others."""
    async with parts.sessions() as session:
        person = await _person(session, who)
    known = {_EMAIL: person.email, _LANGUAGE: person.language}
    written = Written(known, Step.WRITE, first_time().key)
    return _form(request, language, person, written, Faults())


@router.post("/{language:fr_or_en}/mes-coordonnees", dependencies=[Depends(own_form)])
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    who: ThePerson,
    written: FormWritten,
) -> Response:
    """Change the language now; write to a new address, which must be confirmed."""
    async with parts.sessions() as session:
        person = await _person(session, who)
    faults = Faults()
    fault_of_address(faults, _EMAIL, written[_EMAIL])
    fault_of_language(faults, _LANGUAGE, written[_LANGUAGE])
    moves = written[_EMAIL].lower() != person.email.lower()
    if not faults and not moves and written[_LANGUAGE] == person.language:
        faults.add(_EMAIL, "address.fault_same")
    if faults or written.step is Step.WRITE:
        shown = faults if written.step is not Step.WRITE else Faults()
        return _form(request, language, person, written, shown)
    if written.step is Step.CHECK:
        check = _check(written, person, moves=moves)
        return check_page(request, language, check, written)
    if moves:
        await admit(parts, f"letters of {who.account}", most=LETTERS_A_MINUTE)
    await _change(parts, who, written, moves=moves)
    act = "address" if moves else "language"
    return led_to(f"/{language}/mes-coordonnees", act, written.key)


async def _change(
    parts: Parts, who: SignedIn, written: Written, *, moves: bool
) -> None:
    told = []
    async with parts.sessions.begin() as session:
        person = await _person(session, who)
        person.language = written[_LANGUAGE]
        if moves:
            number = await _open_dossier(session, who)
            name = wish_id(ProofPurpose.ADDRESS, written.key)
            await keep_text(
                session,
                name=name,
                dossier=number,
                text=written[_EMAIL],
                by=who.account,
            )
            purpose = ProofPurpose.ADDRESS
            told = [await ask_for_proof(session, number, purpose, name)]
    await Stories(parts.client).tell(parts.sessions, told)


async def _person(session: AsyncSession, who: SignedIn) -> Person:
    """Find who is signed in; raises Refused for who has no dossier yet."""
    person = await person_with_account(session, who.account)
    if person is None:
        raise Refused(Refusal.UNKNOWN_DOSSIER)
    return person


async def _open_dossier(session: AsyncSession, who: SignedIn) -> DossierNumber:
    """Name the newest dossier whose story can still write."""
    rows = await dossiers_of_account(session, who.account)
    still_open = [row.number for row in rows if row.phase != Phase.CLOSED]
    if not still_open:
        raise Refused(Refusal.WRONG_PHASE)
    return DossierNumber(still_open[0])


def _check(written: Written, person: Person, *, moves: bool) -> Check:
    rows: Sequence[Row] = [
        (Sentence("address.email"), written[_EMAIL]),
        (Sentence("opening.language"), tongue(written[_LANGUAGE])),
    ]
    next_ = (
        Sentence("address.next_confirm", {"new": written[_EMAIL], "old": person.email})
        if moves
        else Sentence("address.next_language")
    )
    return Check("/mes-coordonnees", rows, [next_], Sentence("address.send"))


def _form(
    request: Request,
    language: Language,
    person: Person,
    written: Written,
    faults: Faults,
) -> Response:
    return page(
        request,
        "address.html",
        language,
        422 if faults else 200,
        person=person,
        done=what_was_done(request),
        written=written,
        faults=faults,
    )
