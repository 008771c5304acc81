"""A wrong date is replaced: the reason is kept first, the story then judges."""

from datetime import date

from api.access import Caller
from api.parts import Parts
from api.v1.answers import CommandTaken
from api.v1.showing import known
from api.v1.telling import ask, command_id, keep_text, text_id
from rules.numbers import DossierNumber
from workflows.messages import Correct, Correctable


async def correct(
    parts: Parts,
    caller: Caller,
    number: str,
    what: Correctable,
    value: date,
    *,
    link_id: str | None,
    text: str,
    key: str,
) -> CommandTaken:
    """Replace a date, with the reason that the person will read; once for a key.

    Raises Refused with the story's own code, or StoryAway.
    """
    name = text_id("correct", key)
    async with parts.sessions.begin() as session:
        await known(session, number)
        await keep_text(
            session, name=name, dossier=number, text=text, by=caller.subject
        )
    command = Correct(
        command_id=command_id("correct", key),
        by=caller.subject,
        text_id=name,
        what=what,
        value=value,
        link_id=link_id,
    )
    return await ask(parts, caller, DossierNumber(number), command, key=key)
