"""A letter that did not arrive by e-mail, as a file ready to print for the post."""

import asyncio
from dataclasses import dataclass

from api.codes import Code
from api.errors import Refused
from api.parts import Parts
from api.v1.showing import known, own_now
from documents.postal import PostalLetter, address_lines, postal_letter
from records.models import Letter, Person
from records.trails import letter_numbered
from rules.civil_time import civil_date
from rules.numbers import DossierNumber

NOT_ARRIVED = frozenset({"bounced", "refused"})
"""States of a letter that a person may put into an envelope."""

PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class PostalCopy:
    """The printable file of one letter."""

    number: str
    pdf: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Say that it is read in place, and how a saved copy is called."""
        return {"Content-Disposition": f'inline; filename="{self.number}.pdf"'}


def may_be_posted(letter: Letter) -> bool:
    """Answer whether a letter was written, and did not arrive."""
    return letter.state in NOT_ARRIVED and letter.body is not None


async def postal_copy(
    parts: Parts, key: str, *, number: str | None = None
) -> PostalCopy:
    """Print a letter that came back or was refused.

    Raises Refused for any other one, and for one of another dossier than *number*.
    """
    async with parts.sessions() as session:
        letter = await letter_numbered(session, key)
        if letter is None or not may_be_posted(letter):
            raise Refused(Code.NOT_FOUND)
        if number not in {None, letter.dossier}:
            raise Refused(Code.NOT_FOUND)
        row = await known(session, letter.dossier)
        person = await session.get_one(Person, row.person_id)
        today = civil_date(await own_now(session, letter.dossier))
    facts = PostalLetter(
        language="en" if letter.language == "en" else "fr",
        dossier=DossierNumber(letter.dossier),
        recipient_name=person.name,
        sent_on=civil_date(letter.occurred_at),
        written_on=today,
        subject=letter.subject or "",
        body_text=letter.body or "",
        office_name=parts.settings.office_name,
        office_address_lines=address_lines(parts.settings.office_address),
    )
    # Typesetting takes the time of many requests: the others must not wait for it.
    pdf = await asyncio.to_thread(postal_letter, facts)
    return PostalCopy(letter.dossier, pdf)
