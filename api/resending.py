"""A letter is sent once more: the reason is kept first, the story then judges."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import Caller
from api.codes import Code
from api.errors import Refused
from api.parts import Parts
from api.v1.answers import CommandTaken
from api.v1.showing import known
from api.v1.telling import ask, command_id, keep_text, text_id
from records.ledger import NO_ADDRESS
from records.models import Agency, Letter, LinkRow, Person
from records.trails import letter_numbered
from rules.notices import TO_AGENCIES
from rules.numbers import DossierNumber
from workflows.messages import LetterOrder, Resend

ENDED = frozenset({"accepted", "delivered", "bounced", "refused"})
"""States of a letter that has left, or could not: nothing of it is on its way."""


def may_be_sent_again(letter: Letter) -> bool:
    """Answer whether a letter has left or could not; what it says is not asked."""
    nobody = letter.state == "skipped" and letter.answer == NO_ADDRESS
    return letter.state in ENDED or nobody


def order_of(letter: Letter) -> LetterOrder:
    """Read the order by which a letter was written."""
    return LetterOrder.model_validate(letter.ordered)


async def letter_to_send_again(parts: Parts, key: str) -> Letter:
    """Find a letter; raises Refused for an unknown one."""
    async with parts.sessions() as session:
        letter = await letter_numbered(session, key.replace("\0", ""))
    if letter is None:
        raise Refused(Code.NOT_FOUND)
    return letter


async def address_today(session: AsyncSession, order: LetterOrder) -> str | None:
    """Name the address on file today: the person's, or the agency's of a link."""
    if order.notice in TO_AGENCIES:
        link = await session.get(LinkRow, order.link_id) if order.link_id else None
        agency = await session.get(Agency, link.permit) if link else None
        return (agency.email.strip() or None) if agency else None
    row = await known(session, order.dossier)
    return (await session.get_one(Person, row.person_id)).email.strip() or None


def why_not(letter: Letter, to: str | None) -> Refused | None:
    """Say why a letter may not go to *to*; what it says is for its story to judge."""
    if not may_be_sent_again(letter):
        return Refused(Code.LETTER_ON_ITS_WAY)
    return None if to else Refused(Code.NO_ADDRESS_ON_FILE)


async def send_again(
    parts: Parts, caller: Caller, letter: Letter, *, text: str, key: str
) -> CommandTaken:
    """Have the story send *letter* once more, for a reason; once for a key.

    Raises Refused with the story's own code, for a letter that is on its way or has
    nobody to go to, or StoryAway.
    """
    order, name = order_of(letter), text_id("resend", key)
    async with parts.sessions.begin() as session:
        refused = why_not(letter, await address_today(session, order))
        if refused is not None:
            raise refused
        await keep_text(
            session, name=name, dossier=letter.dossier, text=text, by=caller.subject
        )
    command = Resend(
        command_id=command_id("resend", key),
        by=caller.subject,
        text_id=name,
        letter=order,
    )
    return await ask(parts, caller, DossierNumber(letter.dossier), command, key=key)
