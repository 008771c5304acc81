"""The personas' dossiers on the one-machine stack: each in a trouble of its own.

Placed once, before the first visitor; what a visitor does with them stays.
"""

from dataclasses import dataclass
from datetime import timedelta

from embedded.personas import AUDIENCES, PERSONAS, Persona
from embedded.theatre import AGENCY, Stage, Theatre
from rules.dossier import Phase
from rules.numbers import PermitNumber

SILENT_AGENCY = PermitNumber("AR-2002")


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate of the cast, by the days from today to its échéance."""

    subject: str
    days_left: int
    exam_days_ago: int | None = None
    unlinked_before_the_end: int | None = None


HELD: tuple[Held, ...] = (
    Held("nadia", 41),
    Held("marc", -1),
    Held("louise", -60, exam_days_ago=426, unlinked_before_the_end=90),
)


async def place_cast(theatre: Theatre) -> None:
    """Put every persona where it belongs, unless it is there already."""
    await theatre.place_agency(AGENCY, account=account_of("boreal"))
    await theatre.place_agency(SILENT_AGENCY, name="Recouvrement Silence inc.")
    for held in HELD:
        if await theatre.knows_account(account_of(held.subject)):
            continue
        await _place_holder(theatre, theatre.stage(), held)
    if not await theatre.knows_account(account_of("samuel")):
        await _place_finalizing(theatre, theatre.stage())


async def _place_holder(theatre: Theatre, stage: Stage, held: Held) -> None:
    exam_on = (
        None
        if held.exam_days_ago is None
        else stage.today - timedelta(days=held.exam_days_ago)
    )
    await theatre.place_holder(
        stage,
        persona(held.subject).name,
        days_left=held.days_left,
        unlinked_before_the_end=held.unlinked_before_the_end,
        exam_passed_on=exam_on,
        account=account_of(held.subject),
    )


async def _place_finalizing(theatre: Theatre, stage: Stage) -> None:
    name = persona("samuel").name
    number = await theatre.open_dossier(stage, name)
    await theatre.give_account(name, account_of("samuel"))
    await theatre.pass_exam(number, stage.today - timedelta(days=90))
    await stage.until(number, Phase.TO_FINALIZE)
    await theatre.ask_for_link(number, SILENT_AGENCY)


def persona(subject: str) -> Persona:
    """Find one of the cast."""
    return next(each for each in PERSONAS if each.subject == subject)


def account_of(subject: str) -> str:
    """Name the account a persona signs in with."""
    return f"{AUDIENCES[persona(subject).realm]}:{subject}"
