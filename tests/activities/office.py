"""The real database as a test fills and reads it, and effects run as a worker does."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy import select, update
from temporalio.testing import ActivityEnvironment

from records.database import Sessions
from records.dossiers import stored
from records.models import Base, DossierRow, Person
from records.opening import find_or_add_person
from rules.dossier import Dossier
from rules.standing import phase_at
from tests.dossiers import TODAY, a_policy, noon
from workflows.messages import LetterOrder, Record

Row = TypeVar("Row", bound=Base)
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Office:
    """What a test puts in the database and reads back from it.

    What was opened on the way is in *opened*, to be closed with the test.
    """

    url: str
    sessions: Sessions
    opened: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def place(
        self, dossier: Dossier, person: str = "Marc Roy", language: str = "fr"
    ) -> None:
        """Put a dossier where opening and registering would have it, version 0."""
        async with self.sessions.begin() as session:
            person_id = await find_or_add_person(
                session,
                name=person,
                email=f"{person.split(maxsplit=1)[0].lower()}@courriel.example",
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

    async def restate(self, dossier: Dossier, **changes: Any) -> None:
        """Change what the row of a dossier says, as a kept record does."""
        facts = stored(replace(dossier, **changes))
        async with self.sessions.begin() as session:
            await session.execute(
                update(DossierRow)
                .where(DossierRow.number == dossier.number)
                .values(facts=facts)
            )

    async def holder_of(self, number: str) -> Person:
        row = await self.one(DossierRow, number)
        return await self.one(Person, row.person_id)

    async def add(self, *rows: Base) -> None:
        async with self.sessions.begin() as session:
            session.add_all(rows)

    async def one(self, table: type[Row], key: Any) -> Row:
        async with self.sessions() as session:
            return await session.get_one(table, key)

    async def rows(self, table: type[Row]) -> list[Row]:
        async with self.sessions() as session:
            return list(await session.scalars(select(table)))


async def run(
    effect: Callable[[Any], Awaitable[Answer]], argument: object, **info: Any
) -> Answer:
    """Run an effect once, as a worker does; *info* is what the server says of it."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, **info)
    return await environment.run(effect, argument)


def a_record(dossier: Dossier, version: int = 1, **changes: Any) -> Record:
    """What a turn of the story hands over, at noon of today."""
    said: dict[str, Any] = {
        "dossier": dossier,
        "phase": phase_at(dossier, a_policy(), noon(TODAY)),
        "version": version,
        "at": noon(TODAY),
        "policy_version": a_policy().version,
        "next_due_at": None,
    }
    return Record(**said | changes)


def an_order(dossier: Dossier, notice: str = "reminder_30", **says: Any) -> LetterOrder:
    """An order for a letter of today about the present term."""
    last = dossier.echeance
    said: dict[str, Any] = {
        "key": f"{dossier.number}/{last}/{notice}",
        "dossier": dossier.number,
        "notice": notice,
        "occurred_at": noon(TODAY),
        "echeance": last,
        "act_before": None,
        "amount_cents": 18500,
    }
    return LetterOrder(**said | says)
