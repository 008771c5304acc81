"""The demo: four stories on live workflows, years in seconds, each checked."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from embedded.theatre import LEFT, Stage, Theatre, UnexpectedError
from rules.civil_time import add_years, last_day_to_act
from rules.dossier import Phase
from rules.numbers import DossierNumber
from settings import Settings


@dataclass(frozen=True, slots=True)
class Ending:
    """How a story must end: phases, and each letter as often as it must be sent."""

    phases: dict[DossierNumber, Phase]
    notices: Counter[str]


StoryOf = Callable[[Theatre, Stage], Awaitable[Ending]]


async def the_holder_who_comes_back(theatre: Theatre, stage: Stage) -> Ending:
    """(a) Marc's certificate expired. He comes back by e-mail, without a new exam."""
    marc = "Marc Tremblay"
    old = await theatre.place_holder(stage, marc, days_left=5)
    expired_on = stage.today + timedelta(days=5)
    await stage.advance_to(expired_on + timedelta(days=36))
    # The steps of the Office's page: a new file, a letter, then invoice and agency.
    new = await theatre.open_dossier(stage, marc)
    await theatre.write_mail(
        marc,
        "Transfert de mon résultat d'examen",
        "Bonjour,\n\n"
        f"Mon nouveau numéro de dossier est le {new}.\n"
        "Je désire faire transférer le résultat de mon examen.\n"
        f"Le numéro de mon certificat expiré est le {old}.\n\n"
        "Merci,\nMarc Tremblay\n",
    )
    await stage.until(new, Phase.TO_FINALIZE)
    await theatre.pay(new)
    link = await theatre.ask_for_link(new)
    await theatre.confirm_link(link, since=stage.today)
    await stage.until(new, Phase.IN_FORCE)
    issued_on = stage.today
    # Two years pass with their reminders; this time he renews.
    await stage.advance_to(add_years(issued_on, 2) - timedelta(days=45))
    await theatre.pay(new)
    await theatre.settled([new])
    await stage.advance_to(add_years(issued_on, 2) + timedelta(days=1))
    return Ending(
        {old: Phase.CLOSED, new: Phase.IN_FORCE},
        Counter(
            [
                "reminder_7",
                "account_dormant",
                "reminder_1",
                "reminder_0",
                "expired",
                "transfer_received",
                "transfer_accepted",
                "receipt",
                "link_requested",
                "link_confirmed",
                "certificate_issued",
                "reminder_90",
                "reminder_60",
                "account_dormant",
                "receipt",
                "renewed",
            ]
        ),
    )


async def the_renewal_on_time(theatre: Theatre, stage: Stage) -> Ending:
    """(b) Nadia renews after three reminders; no other one is sent."""
    nadia = await theatre.place_holder(stage, "Nadia Benali", days_left=93)
    echeance = stage.today + timedelta(days=93)
    await stage.advance_to(echeance - timedelta(days=25))
    await theatre.pay(nadia)
    await theatre.settled([nadia])
    await stage.advance_to(echeance + timedelta(days=2))
    return Ending(
        {nadia: Phase.IN_FORCE},
        Counter(
            [
                "reminder_90",
                "reminder_60",
                "account_dormant",
                "reminder_30",
                "receipt",
                "renewed",
            ]
        ),
    )


async def the_refusal_by_a_person(theatre: Theatre, stage: Stage) -> Ending:
    """(c) Louise had no agency at the end: no yes by rule, and a person says no."""
    louise = "Louise Gagnon"
    old = await theatre.place_holder(
        stage, louise, days_left=-20, unlinked_before_the_end=200
    )
    new = await theatre.open_dossier(stage, louise)
    await theatre.write_mail(
        louise,
        "Transfert",
        f"Bonjour, svp transférer mon examen du certificat expiré {old} "
        f"vers mon nouveau dossier {new}. Merci!",
    )
    await stage.until(new, Phase.IN_REVIEW)
    await theatre.decide(
        new,
        "intend_to_refuse",
        "Votre lien avec l'agence a pris fin avant l'expiration de votre certificat, "
        "et votre examen date de plus de deux ans.",
    )
    await stage.advance_to(stage.today + timedelta(days=25))
    await theatre.decide(
        new, "refuse", "Aucune observation n'a été reçue. Les motifs sont les mêmes."
    )
    await stage.until(new, Phase.EXAM_AWAITED)
    return Ending(
        {old: Phase.EXPIRED, new: Phase.EXAM_AWAITED},
        Counter(
            [
                "transfer_received",
                "transfer_under_review",
                "intended_refusal",
                "refused",
            ]
        ),
    )


async def the_exam_that_lapses(theatre: Theatre, stage: Stage) -> Ending:
    """(d) Samuel passed his exam; the agency he named stays silent to the end."""
    samuel = await theatre.open_dossier(stage, "Samuel Roy")
    passed_on = add_years(stage.today, -2) + timedelta(days=45)
    await theatre.pass_exam(samuel, passed_on)
    await stage.until(samuel, Phase.TO_FINALIZE)
    await theatre.ask_for_link(samuel)
    limit = last_day_to_act(add_years(passed_on, 2), delays_extended=True)
    await stage.advance_to(limit + timedelta(days=1))
    return Ending(
        {samuel: Phase.EXAM_AWAITED},
        Counter(
            [
                "finalize",
                "link_requested",
                "exam_ends_30",
                "exam_ends_14",
                "exam_ends_7",
                "exam_ends_1",
                "exam_ends_0",
                "exam_lapsed",
            ]
        ),
    )


STORIES: tuple[StoryOf, ...] = (
    the_holder_who_comes_back,
    the_renewal_on_time,
    the_refusal_by_a_person,
    the_exam_that_lapses,
)


async def play(settings: Settings) -> int:
    """Play the four stories; 0 if each went as it must, 1 if anything differs."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table("story", "dossiers", "end", "letters", "as it must be")
    went_well = True
    async with Theatre.opened(settings, console) as theatre:
        await theatre.place_agency()
        for story in STORIES:
            console.print(f"\n{story.__doc__}", style="bold", markup=False)
            stage = theatre.stage()
            try:
                ending = await story(theatre, stage)
                found = await differences(theatre, stage, ending)
            except UnexpectedError as problem:
                found = [str(problem)]
            for difference in found:
                console.print(f"  NOT AS IT MUST BE: {difference}", style="red")
            went_well &= not found
            table.add_row(*await _row(theatre, stage, story), _mark(found))
    console.print()
    console.print(table)
    return 0 if went_well else 1


async def differences(theatre: Theatre, stage: Stage, ending: Ending) -> list[str]:
    """Compare what is with what must be: phases, letters, and the mailbox itself."""
    found = []
    for number, phase in ending.phases.items():
        seen = (await theatre.state(number))["phase"]
        if seen != phase:
            found.append(f"{number} is {seen}, not {phase}")
    letters = [x for n in stage.dossiers for x in await theatre.letters(n)]
    sent = Counter(x["notice"] for x in letters if x["state"] in LEFT)
    lost, extra = ending.notices - sent, sent - ending.notices
    if lost:
        found.append(f"not sent: {dict(lost)}")
    if extra:
        found.append(f"sent, but should not be: {dict(extra)}")
    if wrong := await theatre.letters_not_once_in_the_mailbox(stage.dossiers):
        found.append(f"not exactly once in the mailbox: {wrong}")
    return found


async def _row(
    theatre: Theatre, stage: Stage, story: StoryOf
) -> tuple[str, str, str, str]:
    phases, letters = [], 0
    for number in stage.dossiers:
        phases.append((await theatre.state(number))["phase"])
        letters += len(await theatre.letters(number))
    title = story.__name__.replace("_", " ")
    return title, "\n".join(stage.dossiers), "\n".join(phases), str(letters)


def _mark(found: list[str]) -> str:
    return "no" if found else "yes"
