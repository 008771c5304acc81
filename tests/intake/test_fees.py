"""Amounts adopted ahead of their day: kept, refused, withdrawn, told to every story."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from temporalio.client import Client

from intake import fees_by_hand
from intake.fees import (
    CannotAdopt,
    NothingToWithdraw,
    adopt,
    tell_the_stories,
    withdraw,
)
from records.clock import database_now
from records.database import Sessions
from records.fees import acts_not_told, adoptions, policy_in_force
from records.money import FeeAct
from rules.civil_time import civil_date
from rules.dossier import Kind, Operation
from rules.fees import AdoptedFee, FeeFault, amount_on, next_indexation
from settings import Settings
from tests.activities.office import Office
from tests.upkeep.server import a_closed_port, settings_for


async def today_at(sessions: Sessions) -> date:
    async with sessions() as session:
        return civil_date(await database_now(session))


async def the_next_amount(sessions: Sessions) -> AdoptedFee:
    july = next_indexation(await today_at(sessions))
    return AdoptedFee(Kind.CAR, Operation.RENEWAL, july, 19000, "Gazette, p. 143")


async def cents_on(sessions: Sessions, day: date) -> tuple[int, bool]:
    async with sessions() as session:
        fee = amount_on(
            day, Operation.RENEWAL, await policy_in_force(session, Kind.CAR, day)
        )
    return fee.cents, fee.confirmed


async def test_an_adopted_amount_holds_from_its_day(office: Office) -> None:
    fee = await the_next_amount(office.sessions)
    eve = fee.starts_on - timedelta(days=1)
    before = await cents_on(office.sessions, eve)
    examined = await adopt(office.sessions, fee, by="officer-1")
    assert examined.known_cents == before[0]
    assert await cents_on(office.sessions, eve) == before
    assert await cents_on(office.sessions, fee.starts_on) == (19000, True)


async def test_an_amount_is_adopted_once_by_two_officers_at_the_same_time(
    office: Office,
) -> None:
    fee = await the_next_amount(office.sessions)
    answers = await asyncio.gather(
        *(adopt(office.sessions, fee, by=f"officer-{n}") for n in (1, 2)),
        return_exceptions=True,
    )
    (refused,) = (a for a in answers if isinstance(a, CannotAdopt))
    assert refused.faults == (FeeFault.OVERLAPS,)
    assert len(await office.rows(FeeAct)) == 1


async def test_an_amount_of_today_is_refused(office: Office) -> None:
    fee = await the_next_amount(office.sessions)
    late = replace(fee, starts_on=await today_at(office.sessions))
    with pytest.raises(CannotAdopt) as refused:
        await adopt(office.sessions, late, by="officer-1")
    assert refused.value.faults == (FeeFault.IN_THE_PAST,)
    assert await office.rows(FeeAct) == []


async def test_a_withdrawn_amount_holds_no_more_and_can_be_adopted_again(
    office: Office,
) -> None:
    fee = await the_next_amount(office.sessions)
    before = await cents_on(office.sessions, fee.starts_on)
    await adopt(office.sessions, fee, by="officer-1")
    await withdraw(
        office.sessions, Kind.CAR, Operation.RENEWAL, fee.starts_on, by="officer-2"
    )
    assert await cents_on(office.sessions, fee.starts_on) == before
    await adopt(office.sessions, replace(fee, cents=19100), by="officer-1")
    assert await cents_on(office.sessions, fee.starts_on) == (19100, True)
    assert [act.what for act in await office.rows(FeeAct)] == [
        "adopted",
        "withdrawn",
        "adopted",
    ]


async def test_nothing_is_withdrawn_that_was_not_adopted(office: Office) -> None:
    fee = await the_next_amount(office.sessions)
    with pytest.raises(NothingToWithdraw):
        await withdraw(
            office.sessions, Kind.CAR, Operation.ISSUE, fee.starts_on, by="officer-1"
        )


async def test_acts_wait_until_temporal_can_be_asked_to_tell_the_stories(
    office: Office,
) -> None:
    nowhere = await Client.connect(f"127.0.0.1:{await a_closed_port()}", lazy=True)
    await adopt(office.sessions, await the_next_amount(office.sessions), by="officer-1")
    assert not await tell_the_stories(office.sessions, nowhere)
    async with office.sessions() as session:
        assert len(await acts_not_told(session)) == 1


# ------------------------------------------------------------------- command line


@pytest.fixture
async def settings(office: Office) -> Settings:
    return settings_for(
        office.url, ECHEANCE_TEMPORAL_ADDRESS=f"127.0.0.1:{await a_closed_port()}"
    )


async def test_the_command_only_says_what_it_would_do_until_it_is_told_yes(
    office: Office, settings: Settings
) -> None:
    fee = await the_next_amount(office.sessions)
    said: Any = ("renewal", fee.starts_on.isoformat(), 19000, "Gazette, p. 143")
    lines = await fees_by_hand.examined(settings, *said)
    assert lines[0] == f"renewal from {fee.starts_on}: 190.00 $"
    assert lines[-1].startswith("Nothing is adopted")
    assert await office.rows(FeeAct) == []

    lines = await fees_by_hand.adopted(settings, *said)
    assert lines[-1].startswith("Adopted; the stories are told by the next sweep")
    async with office.sessions() as session:
        (adoption,) = await adoptions(session, Kind.CAR)
    assert adoption.fee == fee
    assert adoption.by.startswith("command line, ")
    (line,) = (x for x in await fees_by_hand.listed(settings) if "adopted by" in x)
    assert line.startswith(
        f"renewal  {fee.starts_on} to {fee.starts_on.year + 1}-07-01"
    )

    await fees_by_hand.withdrawn(settings, "renewal", fee.starts_on.isoformat())
    assert not [x for x in await fees_by_hand.listed(settings) if "adopted by" in x]


@pytest.mark.parametrize(
    ("operation", "day"), [("gift", "2027-07-01"), ("renewal", "1 July")]
)
async def test_the_command_refuses_what_it_cannot_read(
    settings: Settings, operation: str, day: str
) -> None:
    with pytest.raises(ValueError, match=operation if operation == "gift" else day):
        await fees_by_hand.examined(settings, operation, day, 19000, "Gazette")
