"""The amounts of fees from a command line: listed, adopted ahead, withdrawn."""

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

from engine import connect
from intake.fees import (
    Examined,
    adopt,
    examine,
    tell_the_stories,
    withdraw,
)
from records.clock import database_now
from records.database import Sessions, make_engine, make_sessions
from records.fees import adoptions, policy_in_force
from rules.civil_time import civil_date
from rules.dossier import Kind, Operation
from rules.fees import AdoptedFee, fee_periods
from settings import Settings


async def listed(settings: Settings) -> list[str]:
    """List every amount, and who adopted those that are not in the file of policy."""
    async with _records(settings) as sessions, sessions() as session:
        today = civil_date(await database_now(session))
        policy = await policy_in_force(session, Kind.CAR, today)
        adopted = await adoptions(session, Kind.CAR)
    by = {(a.fee.operation, a.fee.starts_on): a.by for a in adopted}
    return [
        f"{period.operation:8} {period.starts_on} to {period.until or 'further notice'}"
        f"  {_dollars(period.cents)}  {period.source}"
        + (f", adopted by {who}" if who else "")
        for operation in Operation
        for period in fee_periods(operation, policy)
        for who in [by.get((operation, period.starts_on))]
    ]


async def examined(
    settings: Settings, operation: str, first_day: str, cents: int, source: str
) -> list[str]:
    """Say what an amount would change; raises CannotAdopt, ValueError."""
    fee = _read(operation, first_day, cents, source)
    async with _records(settings) as sessions, sessions() as session:
        found = await examine(session, fee)
    return [*_lines(found), "Nothing is adopted: say --yes to adopt it."]


async def adopted(
    settings: Settings, operation: str, first_day: str, cents: int, source: str
) -> list[str]:
    """Adopt an amount and have the stories told; raises CannotAdopt, ValueError."""
    fee = _read(operation, first_day, cents, source)
    async with _records(settings) as sessions:
        found = await adopt(sessions, fee, by=who_sits_here())
        return [*_lines(found), await _told(settings, sessions, "Adopted")]


async def withdrawn(settings: Settings, operation: str, first_day: str) -> list[str]:
    """Take back an amount that has not begun; raises NothingToWithdraw, ValueError."""
    which, starts_on = Operation(operation), date.fromisoformat(first_day)
    async with _records(settings) as sessions:
        await withdraw(sessions, Kind.CAR, which, starts_on, by=who_sits_here())
        return [await _told(settings, sessions, "Withdrawn")]


def _read(operation: str, first_day: str, cents: int, source: str) -> AdoptedFee:
    starts_on = date.fromisoformat(first_day)
    return AdoptedFee(Kind.CAR, Operation(operation), starts_on, cents, source)


def _lines(found: Examined) -> list[str]:
    fee = found.fee
    return [
        f"{fee.operation} from {fee.starts_on}: {_dollars(fee.cents)}",
        f"the day before: {_dollars(found.known_cents)}",
        *(f"Look twice: {warning}." for warning in found.warnings),
    ]


async def _told(settings: Settings, sessions: Sessions, what: str) -> str:
    told = await tell_the_stories(sessions, await connect(settings, lazy=True))
    when = "now" if told else "by the next sweep: Temporal does not answer"
    return f"{what}; the stories are told {when}."


@asynccontextmanager
async def _records(settings: Settings) -> AsyncIterator[Sessions]:
    engine = make_engine(settings.database_url, connections=2)
    try:
        yield make_sessions(engine)
    finally:
        await engine.dispose()


def who_sits_here() -> str:
    """Name who sits at the machine, as the acts keep it."""
    return f"command line, {getpass.getuser()}"


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02} $"
