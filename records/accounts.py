"""Whose account is it? A provider's subject leads to a person or to an agency."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import func, literal, select, text, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import Agency, DossierRow, Person
from records.sessions import Session


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


async def names_of_accounts(
    session: AsyncSession, accounts: Collection[str]
) -> Mapping[str, str]:
    """What are the people and agencies called who sign in with these accounts?

    An officer is named as their provider last named them.
    """
    if not accounts:
        return {}
    sessions = (
        select(Session.account, Session.name)
        .ext(distinct_on(Session.account))
        .where(Session.account.in_(accounts))
        .order_by(Session.account, Session.begun_at.desc())
    )
    lately = sessions.subquery()
    people = select(Person.sign_in_subject, Person.name, literal(2)).where(
        Person.sign_in_subject.in_(accounts)
    )
    agencies = select(Agency.sign_in_subject, Agency.name, literal(1)).where(
        Agency.sign_in_subject.in_(accounts)
    )
    # What the registers call them goes before what they signed in as.
    everybody = union_all(
        select(lately.c.account, lately.c.name, literal(0)), agencies, people
    ).order_by(text("3"))
    return {account: name for account, name, _ in await session.execute(everybody)}


KNOWN_FOR = timedelta(days=90)
"""An officer who has not signed in for so long is given nothing any more."""


async def officers_known(session: AsyncSession) -> Mapping[str, str]:
    """Which officers signed in of late, and what are they called, by name?"""
    lately = (
        select(Session.account, Session.name)
        .ext(distinct_on(Session.account))
        .where(Session.role == "officer", Session.begun_at > func.now() - KNOWN_FOR)
        .order_by(Session.account, Session.begun_at.desc())
    )
    rows = [(account, name) for account, name in await session.execute(lately)]
    return dict(sorted(rows, key=lambda row: (row[1].casefold(), row[0])))
