"""Numbers of invoices: one after the other in a year, whatever is undone meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from records.database import make_engine, make_sessions
from records.models import InvoiceRow
from tests.activities.office import Office
from tests.dossiers import HOLDER, a_holder


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    engine = make_engine(database_url, connections=8)
    office = Office(database_url, make_sessions(engine))
    await office.place(a_holder())
    yield office
    await engine.dispose()


def an_invoice(place: int, asked_on: date) -> InvoiceRow:
    return InvoiceRow(
        invoice_id=f"{HOLDER}-{place}",
        dossier=HOLDER,
        operation="renewal",
        asked_on=asked_on,
        state="open",
    )


async def ask(office: Office, place: int, asked_on: date, *, undone: bool) -> None:
    async with office.sessions() as session:
        session.add(an_invoice(place, asked_on))
        await session.flush()
        await (session.rollback() if undone else session.commit())


async def test_no_number_is_missing_or_given_twice_when_transactions_are_undone(
    office: Office,
) -> None:
    days = (date(2026, 12, 31), date(2027, 1, 1))
    await asyncio.gather(
        *(
            ask(office, place, days[place % 2], undone=place % 3 == 0)
            for place in range(48)
        )
    )
    numbers = sorted(str(row.number) for row in await office.rows(InvoiceRow))
    assert numbers == [f"F-{y}-{n:06}" for y in (2026, 2027) for n in range(1, 17)]


async def test_a_number_stays_and_a_row_is_never_deleted(office: Office) -> None:
    await ask(office, 1, date(2026, 12, 31), undone=False)
    for change in (
        update(InvoiceRow).values(number="F-2026-000009"),
        delete(InvoiceRow),
    ):
        with pytest.raises(DBAPIError):
            async with office.sessions.begin() as session:
                await session.execute(change)
    (row,) = await office.rows(InvoiceRow)
    assert row.number == "F-2026-000001"
