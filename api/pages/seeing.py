"""Who may look into a dossier: its person, and officers of the Office."""

from fastapi import Request

from api.access import Role
from api.errors import Refused
from api.pages.own_host import asked_by_own_name
from api.parts import parts_of
from api.signin.who import SignInNeeded, whoever
from records.accounts import dossier_of_account
from workflows.messages import Refusal


async def may_see(request: Request, number: str) -> None:
    """Let through who may see a dossier; raises SignInNeeded, or Refused.

    Another person's dossier is refused just as one that does not exist. On the
    one-machine stack whoever sits at the machine sees all: its people are invented.
    """
    parts = parts_of(request)
    if parts.settings.embedded:
        await asked_by_own_name(request)
        return
    who = await whoever(request)
    if who is not None and who.role is Role.OFFICER:
        return
    if who is None or who.role is not Role.REPRESENTATIVE:
        raise SignInNeeded(Role.REPRESENTATIVE)
    async with parts.sessions() as session:
        if await dossier_of_account(session, who.account, number) is None:
            raise Refused(Refusal.UNKNOWN_DOSSIER)
