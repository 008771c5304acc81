"""A wrong name is replaced in the records, with a trace; stories hear only that it was.

No name enters Temporal: what stood before, what stands after and why are texts.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import Caller
from api.errors import Refused
from api.parts import Parts
from api.v1.answers import FactKept
from api.v1.showing import known, own_now
from api.v1.telling import keep_fact, keep_text, text_id
from records.models import DossierRow, Person, WrittenText
from records.names import id_of_after, id_of_before, person_to_rename
from records.opening import name_key
from rules.numbers import DossierNumber
from workflows.messages import NameCorrected, Refusal, Source


async def correct_name(
    parts: Parts, caller: Caller, number: str, name: str, *, text: str, key: str
) -> FactKept:
    """Replace the name of a dossier's person, for a reason they read; once for a key.

    Every dossier of the person is told; the letter leaves from this one. Raises
    Refused for an unknown dossier, or for the name that stands already.
    """
    why, by = text_id("correct_name", key), caller.subject
    async with parts.sessions.begin() as session:
        await known(session, number)
        person = await person_to_rename(session, number)
        new = await session.get(WrittenText, why) is None
        for kept_as, said in ((why, text), (id_of_after(why), name)):
            await keep_text(session, name=kept_as, dossier=number, text=said, by=by)
        if new:
            before = _rename(person, name)
            kept_as = id_of_before(why)
            await keep_text(session, name=kept_as, dossier=number, text=before, by=by)
        dossiers = await _dossiers_of(session, person)
        for each in dossiers if new else ():
            await _keep_told(session, each, why, by, writes=each == number)
    ids = {each: _fact_id(why, each) for each in dossiers}
    delivered = await parts.courier.tell(list(ids.values()))
    return FactKept(fact_id=ids[DossierNumber(number)], new=new, delivered=delivered)


def _rename(person: Person, name: str) -> str:
    before = person.name
    if name == before:
        raise Refused(Refusal.NOTHING_TO_CORRECT)
    person.name, person.name_key = name, name_key(name)
    return before


async def _dossiers_of(
    session: AsyncSession, person: Person
) -> Sequence[DossierNumber]:
    theirs = (
        select(DossierRow.number)
        .where(DossierRow.person_id == person.person_id)
        .order_by(DossierRow.number)
    )
    return [DossierNumber(number) for number in await session.scalars(theirs)]


async def _keep_told(
    session: AsyncSession, number: DossierNumber, why: str, by: str, *, writes: bool
) -> None:
    now = await own_now(session, number)
    fact = NameCorrected(
        fact_id=_fact_id(why, number),
        source=Source.STAFF,
        occurred_at=now,
        received_at=now,
        by=by,
        text_id=why,
        writes=writes,
    )
    await keep_fact(session, number, fact)


def _fact_id(why: str, number: DossierNumber) -> str:
    return f"{why}:{number}"
