"""Opening a dossier: « Je désire obtenir un certificat »."""

from collections.abc import Mapping

from fastapi import Response

from api.pages.asking import Form, form_router
from api.pages.checking import Check
from api.pages.done import done
from api.pages.forms import Faults, Written
from api.pages.words import Sentence
from api.stories import Stories
from api.v1.fields import EMAIL
from letters.wording import LANGUAGES
from records.clock import database_now
from records.opening import find_or_add_person, open_dossier
from rules.numbers import DossierNumber

_NAME, _EMAIL, _LANGUAGE = "nom", "courriel", "langue"
_LONGEST = 200
LONGEST_NAME = _LONGEST
"""In characters; a correction takes no longer one (api.pages.desk_renaming)."""


class Opening(Form[Written]):
    """What a dossier needs; the name is known from the sign-in."""

    template, field = "opening.html", _NAME

    async def known(self) -> Mapping[str, str]:
        """Give the name, and the language of the page."""
        return {_NAME: self.asked.who.name, _LANGUAGE: self.asked.language}

    async def read(self, written: Written, faults: Faults) -> Written | None:
        """Note what is wrong with each answer."""
        name = written[_NAME]
        if not name or "\n" in name or len(name) > LONGEST_NAME:
            faults.add(_NAME, "opening.fault_name")
        fault_of_address(faults, _EMAIL, written[_EMAIL])
        fault_of_language(faults, _LANGUAGE, written[_LANGUAGE])
        return written

    async def check(self, what: Written) -> Check:
        """Show the answers once more."""
        return Check(
            self.path,
            [
                (Sentence("opening.name"), what[_NAME]),
                (Sentence("opening.email"), what[_EMAIL]),
                (Sentence("opening.language"), tongue(what[_LANGUAGE])),
            ],
            [Sentence("opening.next")],
            Sentence("opening.send"),
        )

    async def send(self, what: Written, key: str) -> Response:
        """Open the dossier."""
        number = await self._open(what, key)
        await Stories(self.asked.parts.client).begin(number)
        return done(self.asked.language, number, "opened", key)

    async def _open(self, what: Written, key: str) -> DossierNumber:
        async with self.asked.parts.sessions.begin() as session:
            person_id = await find_or_add_person(
                session,
                name=what[_NAME],
                email=what[_EMAIL],
                language=what[_LANGUAGE],
                sign_in_subject=self.asked.who.account,
            )
            at = await database_now(session)
            return await open_dossier(session, person_id=person_id, at=at, key=key)


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


router = form_router("/nouveau-dossier", Opening)
