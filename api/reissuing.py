"""A certificate is printed again: tried, its reason kept, the story then judges."""

import asyncio
from dataclasses import dataclass
from datetime import date

from api.access import Caller
from api.codes import Code
from api.errors import Refused
from api.parts import Parts
from api.v1.answers import CommandTaken
from api.v1.showing import own_now, policy_for, shown
from api.v1.telling import ask, command_id, keep_text, text_id
from documents.certificate import CertificateFacts, certificate_pdf
from documents.issuing import Issuer, facts_of, next_copy
from documents.typesetting import CannotPrint
from records.documents import holder_of, newest_edition
from rules.numbers import DossierNumber
from rules.standing import terms_to_print
from workflows.messages import Reissue


@dataclass(frozen=True, slots=True)
class NewCopy:
    """What a new copy would say, as the records stand now; *before*, what stands.

    Its number may be a later one by the time it is made.
    """

    facts: CertificateFacts
    before: CertificateFacts | None

    @property
    def says_the_same(self) -> bool:
        """Whether the copy that it would replace says nothing else."""
        return self.before is not None and _said(self.before) == _said(self.facts)


async def copies_to_print(parts: Parts, number: str) -> tuple[NewCopy, ...]:
    """List what may be printed again, a term each; none once every term has ended.

    Raises Refused for an unknown dossier.
    """
    state = await shown(parts, number)
    async with parts.sessions() as session:
        now = await own_now(session, number)
        policy = await policy_for(session, state.dossier, now)
        holder = await holder_of(session, number)
        assert holder is not None
        found = []
        for term in terms_to_print(state.dossier, policy, now):
            newest = await newest_edition(session, number, term.start)
            before = facts_of(newest.facts) if newest else None
            facts = next_copy(
                state.dossier,
                term,
                name=holder.name,
                language=holder.language,
                at=now,
                issuer=Issuer.of(parts.settings),
                before=before,
            )
            found.append(NewCopy(facts, before))
    return tuple(found)


async def try_to_print(copy: NewCopy) -> None:
    """Print a copy and throw it away; raises Refused for what no font can show."""
    try:
        await asyncio.to_thread(certificate_pdf, copy.facts)
    except CannotPrint as cannot:
        raise Refused(Code.NAME_NOT_PRINTABLE) from cannot


async def reissue(
    parts: Parts,
    caller: Caller,
    number: str,
    term_start: date | None,
    *,
    text: str,
    key: str,
) -> CommandTaken:
    """Have a certificate printed again, for a reason people read; once for a key.

    Without *term_start*, the one of the last term. Raises Refused with the story's own
    code, or for a name that cannot be printed, or StoryAway.
    """
    copies = await copies_to_print(parts, number)
    # What has none is for the story to refuse.
    for copy in copies[-1:] if term_start is None else copies:
        if term_start in {None, copy.facts.first_day}:
            await try_to_print(copy)
    name = text_id("reissue", key)
    async with parts.sessions.begin() as session:
        await keep_text(
            session, name=name, dossier=number, text=text, by=caller.subject
        )
    command = Reissue(
        command_id=command_id("reissue", key),
        by=caller.subject,
        text_id=name,
        term_start=term_start,
    )
    return await ask(parts, caller, DossierNumber(number), command, key=key)


def _said(facts: CertificateFacts) -> tuple[object, ...]:
    days = facts.first_day, facts.last_valid_day
    return facts.holder_name, facts.language, facts.office_name, *days
