"""Where we write to a person, and in which language."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import Refused
from api.pages.asking import Asked, ByPerson, Form, form_router
from api.pages.checking import Check, Row
from api.pages.done import led_to, what_was_done
from api.pages.forms import Faults, Written
from api.pages.opening import fault_of_address, fault_of_language, tongue
from api.pages.words import Sentence
from api.proofs import ask_for_proof, wish_id
from api.signin.who import SignedIn
from api.v1.telling import keep_text
from api.visitors import admit
from records.accounts import dossiers_of_account, person_with_account
from records.models import Person
from rules.dossier import Phase
from rules.numbers import DossierNumber
from workflows.messages import ProofPurpose, Refusal

_EMAIL, _LANGUAGE = "courriel", "langue"
LETTERS_A_MINUTE = 3
"""How many links one account may have sent in a minute (our policy, not law)."""


class Address(Form[Written]):
    """The address and the language on file; others in their place."""

    template, field = "address.html", _EMAIL
    back = "/mes-dossiers", Sentence("address.back")

    def __init__(self, asked: Asked, person: Person) -> None:
        super().__init__(asked)
        self.person = person

    async def known(self) -> Mapping[str, str]:
        """Give what is on file."""
        return {_EMAIL: self.person.email, _LANGUAGE: self.person.language}

    async def facts(self) -> Mapping[str, Any]:
        """Give the person, and what has just been done."""
        return {"person": self.person, "done": what_was_done(self.asked.request)}

    async def read(self, written: Written, faults: Faults) -> Written | None:
        """Note what is wrong; something must change."""
        fault_of_address(faults, _EMAIL, written[_EMAIL])
        fault_of_language(faults, _LANGUAGE, written[_LANGUAGE])
        same = written[_LANGUAGE] == self.person.language
        if not faults and not self._moves(written) and same:
            faults.add(_EMAIL, "address.fault_same")
        return written

    def _moves(self, what: Written) -> bool:
        return what[_EMAIL].lower() != self.person.email.lower()

    async def check(self, what: Written) -> Check:
        """Show what would change, and that a new address must be confirmed."""
        rows: Sequence[Row] = [
            (Sentence("address.email"), what[_EMAIL]),
            (Sentence("opening.language"), tongue(what[_LANGUAGE])),
        ]
        both = {"new": what[_EMAIL], "old": self.person.email}
        next_ = (
            Sentence("address.next_confirm", both)
            if self._moves(what)
            else Sentence("address.next_language")
        )
        return Check(self.path, rows, [next_], Sentence("address.send"))

    async def send(self, what: Written, key: str) -> Response:
        """Change the language now; write to a new address, which must be confirmed."""
        parts, account, moves = (
            self.asked.parts,
            self.asked.who.account,
            self._moves(what),
        )
        if moves:
            await admit(parts, f"letters of {account}", most=LETTERS_A_MINUTE)
        told = []
        async with parts.sessions.begin() as session:
            person = await _person(session, self.asked.who)
            person.language = what[_LANGUAGE]
            if moves:
                told = [await _ask_to_confirm(session, self.asked.who, what, key)]
        await parts.courier.tell(told)
        act = "address" if moves else "language"
        return led_to(f"/{self.asked.language}{self.path}", act, key)


async def _ask_to_confirm(
    session: AsyncSession, who: SignedIn, what: Written, key: str
) -> str:
    number = await _open_dossier(session, who)
    name = wish_id(ProofPurpose.ADDRESS, key)
    await keep_text(
        session, name=name, dossier=number, text=what[_EMAIL], by=who.account
    )
    return await ask_for_proof(session, number, ProofPurpose.ADDRESS, name)


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


async def _of_person(asked: ByPerson) -> Address:
    async with asked.parts.sessions() as session:
        return Address(asked, await _person(session, asked.who))


router = form_router("/mes-coordonnees", _of_person)
