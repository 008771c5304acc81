"""The real database, with people and dossiers in place, and effects run as by Temporal."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from records.database import Sessions, make_engine, make_sessions
from records.dossiers import stored
from records.models import Base, DossierRow
from records.opening import find_or_add_person
from rules.dossier import Dossier
from rules.standing import phase_at
from tests.dossiers import TODAY, a_policy, noon


@dataclass(frozen=True)
class Office:
    """What a test puts in the database and reads back from it."""

    url: str
    sessions: Sessions

    async def place(
        self, dossier: Dossier, person: str = "Marc Roy", language: str = "fr"
    ) -> None:
        """Put a dossier where opening and registering would have it, version 0."""
        first_name = person.split()[0].lower()
        async with self.sessions.begin() as session:
            person_id = await find_or_add_person(
                session,
                name=person,
                email=f"{first_name}@courriel.example",
                language=language,
            )
            session.add(
                DossierRow(
                    number=dossier.number,
                    kind=dossier.kind,
                    person_id=person_id,
                    opened_on=dossier.opened_on,
                    phase=phase_at(dossier, a_policy(), noon(TODAY)),
                    echeance=dossier.echeance,
                    facts=stored(dossier),
                )
            )

    async def add(self, *rows: Base) -> None:
        async with self.sessions.begin() as session:
            session.add_all(rows)

    async def one[Row: Base](self, table: type[Row], key: Any) -> Row:
        async with self.sessions() as session:
            return await session.get_one(table, key)

    async def rows[Row: Base](self, table: type[Row]) -> list[Row]:
        async with self.sessions() as session:
            return list(await session.scalars(select(table)))


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    engine = make_engine(database_url)
    yield Office(database_url, make_sessions(engine))
    await engine.dispose()


async def run[Answer](
    effect: Callable[[Any], Awaitable[Answer]], argument: object
) -> Answer:
    """Run an effect once, as a worker does."""
    return await ActivityEnvironment().run(effect, argument)
