"""A person's name is corrected: what replaced what is kept under the reason's id."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from records.models import DossierRow, Person, TimelineEntry, WrittenText

_BEFORE, _AFTER = ":before", ":after"
# No caller's key holds a colon: no reason can bear such an id.


@dataclass(frozen=True, slots=True)
class NameChange:
    """The name that stood, the one in its place, and why, in an officer's words."""

    before: str
    after: str
    why: str


def id_of_before(text_id: str) -> str:
    """Name the text that keeps the name before, from the id of the reason."""
    return f"{text_id}{_BEFORE}"


def id_of_after(text_id: str) -> str:
    """Name the text that keeps the name after, from the id of the reason."""
    return f"{text_id}{_AFTER}"


async def name_changes(
    session: AsyncSession, text_ids: Collection[str]
) -> Mapping[str, NameChange]:
    """What was corrected for these reasons? By the id of each."""
    if not text_ids:
        return {}
    before, after = aliased(WrittenText), aliased(WrittenText)
    query = (
        select(
            WrittenText.text_id,
            before.text,
            after.text,
            WrittenText.text,
        )
        .join(before, before.text_id == WrittenText.text_id + _BEFORE)
        .join(after, after.text_id == WrittenText.text_id + _AFTER)
        .where(WrittenText.text_id.in_(text_ids))
    )
    rows = await session.execute(query)
    return {text_id: NameChange(old, new, why) for text_id, old, new, why in rows}


def names_corrected(entries: Iterable[TimelineEntry]) -> tuple[str, ...]:
    """Name the reasons of the lines that say that a name was corrected."""
    return tuple(
        entry.text_id
        for entry in entries
        if entry.what == "name_corrected" and entry.text_id is not None
    )


async def person_to_rename(session: AsyncSession, number: str) -> Person:
    """Whose dossier is this? Held until the transaction ends: one change at a time."""
    query = (
        select(Person)
        .join(DossierRow, DossierRow.person_id == Person.person_id)
        .where(DossierRow.number == number)
        .with_for_update(of=Person)
    )
    return (await session.scalars(query)).one()
