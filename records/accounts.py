"""Whose account is it? A provider's subject leads to a person or to an agency."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import Agency, DossierRow, Person


async def person_with_account(session: AsyncSession, account: str) -> Person | None:
    """Which person signs in with this account?"""
    found = await session.scalars(
        select(Person).where(Person.sign_in_subject == account)
    )
    return found.one_or_none()


async def agency_with_account(session: AsyncSession, account: str) -> Agency | None:
    """Which agency signs in with this account?"""
    found = await session.scalars(
        select(Agency).where(Agency.sign_in_subject == account)
    )
    return found.one_or_none()


async def dossiers_of_account(
    session: AsyncSession, account: str
) -> Sequence[DossierRow]:
    """Which dossiers belong to the person of this account, newest first?"""
    theirs = (
        select(DossierRow)
        .join(Person, Person.person_id == DossierRow.person_id)
        .where(Person.sign_in_subject == account)
        .order_by(DossierRow.opened_on.desc(), DossierRow.number.desc())
    )
    return (await session.scalars(theirs)).all()


async def dossier_of_account(
    session: AsyncSession, account: str, number: str
) -> DossierRow | None:
    """Is this the dossier of the person of this account?"""
    theirs = (
        select(DossierRow)
        .join(Person, Person.person_id == DossierRow.person_id)
        .where(Person.sign_in_subject == account, DossierRow.number == number)
    )
    return (await session.scalars(theirs)).one_or_none()
