"""Who looks at a dossier through the interface; an officer's look is noted."""

from typing import Annotated

from fastapi import Depends

from api.access import Caller, Reader, Role
from api.parts import Parts, TheParts
from api.v1.fields import NumberInPath
from records.looks import note_look


async def note_reading(parts: Parts, caller: Caller, number: str) -> None:
    """Note that an officer reads something of a dossier."""
    async with parts.sessions.begin() as session:
        await note_look(session, number, caller.subject, "interface")


async def _looking(parts: TheParts, caller: Reader, number: NumberInPath) -> Caller:
    if caller.role is Role.OFFICER:
        await note_reading(parts, caller, number)
    return caller


Looking = Annotated[Caller, Depends(_looking)]
"""Who may look into the dossier of the address."""
