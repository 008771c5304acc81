"""An account takes over what belonged to a person who had none."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from records.accounts import person_with_account
from records.models import Certificate, DossierRow, Person


async def person_without_account(session: AsyncSession, number: str) -> Person | None:
    """Whose dossier is this, if nobody signs in for them?"""
    row = await session.get(DossierRow, number)
    person = None if row is None else await session.get_one(Person, row.person_id)
    return person if person and person.sign_in_subject is None else None


async def take_over(session: AsyncSession, account: str, person: Person) -> None:
    """Give an account the dossiers of *person*.

    Raises sqlalchemy.exc.IntegrityError where the account's own person already holds a
    live certificate of the same kind: nobody holds two.
    """
    own = await person_with_account(session, account)
    if own is None:
        person.sign_in_subject = account
        return
    for table in (DossierRow, Certificate):
        moved = update(table).where(table.person_id == person.person_id)
        await session.execute(moved.values(person_id=own.person_id))
