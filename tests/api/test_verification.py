"""Public verification: what a number is worth now, whoever is away; nothing else."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import event

from api.language import Language
from api.pages.words import Voice
from api.verifying import PublicStatus
from intake.delivery import store_fact
from letters.wording import LANGUAGES, weekday_date
from records.clock import set_ahead
from records.models import LinkRow
from rules.civil_time import start_of
from rules.dossier import Dossier, Ending, EndReason, Invoice, Operation
from tests.api.doors import Doors
from tests.api.reading import read
from tests.api.register import DAYS, NOBODY, PATHS, SEALED, an_open_register, plant
from tests.dossiers import (
    HOLDER,
    NEWCOMER,
    PERMIT,
    a_holder,
    a_link,
    a_newcomer,
    permit_lost,
)
from workflows.messages import InvoicePaid, Source

KEYS = {"number", "status", "kind", "last_valid_day", "as_of"}


@pytest.fixture
async def register(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    async with an_open_register(database_url, tmp_path) as doors:
        yield doors


async def told(doors: Doors, number: str, **said: Any) -> dict[str, Any]:
    answer = await doors.ask("GET", f"/api/v1/verification/{number}", **said)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == KEYS
    return body


# ------------------------------------------------------------------- what it is worth


@dataclass(frozen=True)
class Situation:
    """A dossier as it was last kept, and what the register says of it."""

    built: Callable[[date], Dossier]
    status: PublicStatus
    last_valid_day: Callable[[date], date | None]


def moved(today: date) -> Dossier:
    ending = Ending(EndReason.RESULT_MOVED, today - 5 * DAYS)
    return replace(a_holder(today - 40 * DAYS), exam=None, ending=ending)


SITUATIONS = {
    "valid": Situation(
        lambda today: a_holder(today + 30 * DAYS),
        PublicStatus.VALID,
        lambda today: today + 29 * DAYS,
    ),
    "valid on its last day": Situation(
        lambda today: a_holder(today + DAYS), PublicStatus.VALID, lambda today: today
    ),
    "expired on the day after": Situation(
        a_holder, PublicStatus.EXPIRED, lambda today: today - DAYS
    ),
    "suspended": Situation(
        lambda today: a_holder(
            today + 30 * DAYS,
            links=(a_link(today - 700 * DAYS, today - 10 * DAYS),),
        ),
        PublicStatus.SUSPENDED,
        lambda today: today + 29 * DAYS,
    ),
    "suspended with the agency's permit": Situation(
        lambda today: replace(
            a_holder(today + 30 * DAYS), permit_changes=(permit_lost(today),)
        ),
        PublicStatus.SUSPENDED,
        lambda today: today + 29 * DAYS,
    ),
    "cancelled": Situation(
        lambda today: replace(
            a_holder(today + 30 * DAYS),
            ending=Ending(EndReason.CANCELLED, today - 3 * DAYS),
        ),
        PublicStatus.EXPIRED,
        lambda today: today - 4 * DAYS,
    ),
    "cancelled once expired": Situation(
        lambda today: replace(
            a_holder(today - 30 * DAYS), ending=Ending(EndReason.CANCELLED, today)
        ),
        PublicStatus.EXPIRED,
        lambda today: today - 31 * DAYS,
    ),
    "result moved, nothing new yet": Situation(
        moved, PublicStatus.EXPIRED, lambda today: today - 41 * DAYS
    ),
    "undone with its payment": Situation(
        lambda today: replace(a_holder(today + 30 * DAYS), terms=()),
        PublicStatus.EXPIRED,
        lambda _: None,
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
async def test_each_situation_has_its_word_in_both_languages_and_for_machines(
    register: Doors, name: str
) -> None:
    situation = SITUATIONS[name]
    await plant(register, situation.built(register.today))
    last = situation.last_valid_day(register.today)
    body = await told(register, HOLDER)
    assert body["number"] == HOLDER
    assert body["kind"] == "CAR"
    assert body["status"] == situation.status
    assert body["last_valid_day"] == (last and str(last))
    for language in LANGUAGES:
        page = await seen(register, language, HOLDER)
        say = Voice(language)
        said = page.texts["main"][0]
        assert page.texts["h1"] == [unescape(say(f"verdict.{situation.status}"))]
        assert unescape(say(f"verdict_means.{situation.status}")) in said
        assert page.texts["title"][0].startswith(page.texts["h1"][0])
        if last is not None:
            assert weekday_date(last, language) in said


async def seen(doors: Doors, language: Language, number: str) -> Any:
    answer = await doors.ask("GET", f"/{language}/{PATHS[language]}/{number}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["cache-control"] == "no-store"
    for secret in SEALED:
        assert secret not in answer.text
    return read(answer, language)


async def test_a_certificate_that_another_one_followed_is_replaced(
    register: Doors,
) -> None:
    today = register.today
    await plant(register, moved(today), status="expired")
    new = a_holder(today + 700 * DAYS, number=NEWCOMER)
    await plant(register, new)
    assert (await told(register, HOLDER))["status"] == "replaced"
    assert (await told(register, NEWCOMER))["status"] == "valid"
    page = await seen(register, "fr", HOLDER)
    assert NEWCOMER not in page.texts["main"][0]


async def test_somebody_elses_later_certificate_replaces_nothing(
    register: Doors,
) -> None:
    await plant(register, moved(register.today), status="expired")
    other = a_holder(register.today + 700 * DAYS, number=NEWCOMER)
    await plant(register, other, person="Zoé Roy")
    assert (await told(register, HOLDER))["status"] == "expired"


async def test_a_live_certificate_is_valid_whatever_came_before(
    register: Doors,
) -> None:
    old = a_holder(register.today - 800 * DAYS)
    await plant(register, old, status="expired")
    await plant(register, a_holder(register.today + 9 * DAYS, number=NEWCOMER))
    assert (await told(register, NEWCOMER))["status"] == "valid"


@pytest.mark.parametrize(
    ("moment", "status"),
    [(timedelta(minutes=-5), "valid"), (timedelta(seconds=1), "expired")],
    ids=["before midnight", "after midnight"],
)
async def test_it_turns_at_midnight_of_its_own_clock_while_the_worker_is_away(
    register: Doors, moment: timedelta, status: str
) -> None:
    echeance = register.today + 30 * DAYS
    await plant(register, a_holder(echeance))
    ahead = start_of(echeance) + moment - datetime.now(UTC)
    async with register.parts.sessions.begin() as session:
        await set_ahead(session, HOLDER, ahead)
    body = await told(register, HOLDER)
    assert body["status"] == status
    assert body["last_valid_day"] == str(echeance - DAYS)
    as_of = datetime.fromisoformat(body["as_of"])
    assert abs(as_of - (start_of(echeance) + moment)) < timedelta(minutes=2)


async def test_a_link_that_ended_suspends_as_soon_as_it_is_told(
    register: Doors,
) -> None:
    await register.an_agency()
    start = register.today - 700 * DAYS
    link = a_link(start, permit=PERMIT, link_id="link-1")
    await plant(register, a_holder(register.today + 30 * DAYS, links=(link,)))
    row = LinkRow(link_id="link-1", dossier=HOLDER, permit=PERMIT, since=start)
    await register.office.add(row)
    assert (await told(register, HOLDER))["status"] == "valid"
    ended = {"until": str(register.today)}
    kept = await register.done("/api/v1/links/link-1/end", "agency", ended)
    assert kept["delivered"] is False  # nobody is there to hear it
    assert (await told(register, HOLDER))["status"] == "suspended"


async def test_a_renewal_paid_in_time_counts_before_the_story_hears_of_it(
    register: Doors,
) -> None:
    echeance = register.today - 2 * DAYS
    invoice = Invoice("inv-1", Operation.RENEWAL, echeance - 30 * DAYS, renews=echeance)
    await plant(register, a_holder(echeance).with_invoice(invoice))
    assert (await told(register, HOLDER))["status"] == "expired"
    captured_at = start_of(echeance) - timedelta(hours=1)
    fact = InvoicePaid(
        fact_id="payment:1",
        source=Source.PAYMENT_PROVIDER,
        occurred_at=captured_at,
        received_at=captured_at,
        invoice_id="inv-1",
        payment_id="pay-1",
        amount_cents=18500,
    )
    async with register.parts.sessions.begin() as session:
        await store_fact(session, HOLDER, fact)
    body = await told(register, HOLDER)
    assert body["status"] == "valid"
    assert body["last_valid_day"] > str(register.today + 700 * DAYS)


# ------------------------------------------------------------ what is not public


async def test_a_dossier_without_a_certificate_cannot_be_told_from_nobodys_number(
    register: Doors,
) -> None:
    await register.office.place(a_newcomer(register.today))
    answers, asked = [], []
    for number in (NEWCOMER, NOBODY):
        with listening(register) as statements:
            body = await told(register, number)
            pages = [await seen(register, language, number) for language in LANGUAGES]
        asked.append(statements)
        about = {key: body[key] for key in KEYS - {"number", "as_of"}}
        texts = [
            page.texts["main"][0].replace(number, "").partition("(heure")[2]
            for page in pages
        ]
        answers.append((about, texts, [page.texts["h1"] for page in pages]))
    assert answers[0] == answers[1]
    assert answers[0][0] == {"status": "unknown", "kind": None, "last_valid_day": None}
    # The same questions of the database, one for each answer: the same work, the same
    # time.
    assert asked[0] == asked[1]
    assert len(asked[0]) == 3


@contextmanager
def listening(doors: Doors) -> Iterator[list[str]]:
    """Write down every question that reaches the database, the counting apart."""
    engine = doors.parts.sessions.kw["bind"].sync_engine
    heard: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "visits" not in statement:
            heard.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine, "before_cursor_execute", hear)


# -------------------------------------------------------------------- asking for it


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_asks_for_a_number_and_leads_to_its_answer(
    register: Doors, language: Language
) -> None:
    own = PATHS[language]
    other: Language = "en" if language == "fr" else "fr"
    answer = await register.ask("GET", f"/{language}/{own}")
    page = read(answer, language)
    assert len(page.attributes["input"]) == 1
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    (switch,) = [a for a in page.attributes["a"] if a.get("class") == "switch"]
    assert switch["href"] == f"/{other}/{PATHS[other]}"
    led = await register.ask(
        "GET", f"/{language}/{own}", params={"numero": " car 2024-0000 0001 "}
    )
    assert led.status_code == 303
    assert led.headers["location"] == f"/{language}/{own}/{HOLDER}"
    home = read(await register.ask("GET", f"/{language}"), language)
    assert f"/{language}/{own}" in [a["href"] for a in home.attributes["a"]]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_switch_leads_to_the_same_answer_in_the_other_language(
    register: Doors, language: Language
) -> None:
    other: Language = "en" if language == "fr" else "fr"
    page = await seen(register, language, NOBODY)
    (switch,) = [a for a in page.attributes["a"] if a.get("class") == "switch"]
    assert switch["href"] == f"/{other}/{PATHS[other]}/{NOBODY}"


async def test_an_address_written_another_way_leads_to_the_right_one(
    register: Doors,
) -> None:
    for path, led in (
        ("/fr/verify", "/fr/verifier"),
        ("/en/verifier", "/en/verify"),
        (f"/en/verifier/{HOLDER}", f"/en/verify/{HOLDER}"),
        ("/fr/verifier/car2024 00000001", f"/fr/verifier/{HOLDER}"),
    ):
        answer = await register.ask("GET", path)
        assert (answer.status_code, answer.headers["location"]) == (303, led)


@pytest.mark.parametrize(
    ("wished", "led"),
    [("en-CA", f"/en/verify/{HOLDER}"), ("de", f"/fr/verifier/{HOLDER}")],
)
async def test_the_code_of_a_certificate_leads_to_the_page_in_ones_language(
    register: Doors, wished: str, led: str
) -> None:
    answer = await register.ask(
        "GET", f"/v/{HOLDER}", headers={"Accept-Language": wished}
    )
    assert (answer.status_code, answer.headers["location"]) == (307, led)
    assert answer.headers["vary"] == "Accept-Language"


async def test_a_forged_code_leads_nowhere_else(register: Doors) -> None:
    for written in ("%5C%5Celsewhere.example", "..%3F..%23", "x" * 900, "%0D%0AX: y"):
        answer = await register.ask("GET", f"/v/{written}")
        led = answer.headers["location"]
        assert answer.status_code == 307
        assert re.fullmatch(r"/fr/verifier/[\w.%-]{1,250}", led)
    outside = await register.ask("GET", "/v/%2F%2Felsewhere.example")
    assert outside.status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("CAR2024", ("trop court", "too short")),
        ("CAR2O2400000001", ("ressemble à", "looks like")),
        ("<b>", ("ne peut pas faire partie", "cannot be part")),
        (" ", ("Écrivez le numéro.", "Write the number.")),
    ],
)
async def test_a_number_that_cannot_be_read_is_asked_again_with_the_reason(
    register: Doors, language: Language, written: str, said: tuple[str, str]
) -> None:
    path = f"/{language}/{PATHS[language]}"
    for answer in (
        await register.ask("GET", path, params={"numero": written}),
        await register.ask("GET", f"{path}/{quote(written)}"),
    ):
        assert answer.status_code == 422
        page = read(answer, language)
        (given,) = page.attributes["input"]
        assert (given["value"], given["aria-invalid"]) == (written, "true")
        assert page.texts["main"][0].count(said[LANGUAGES.index(language)]) == 2
        begins = "Erreur\u00a0:" if language == "fr" else "Error:"
        assert page.texts["title"][0].startswith(begins)
    machine = await register.ask("GET", f"/api/v1/verification/{quote(written)}")
    assert machine.status_code == 422


async def test_spaces_dashes_and_case_do_not_count_for_machines(
    register: Doors,
) -> None:
    await plant(register, a_holder(register.today + 30 * DAYS))
    body = await told(register, "car%202024-0000%200001")
    assert (body["number"], body["status"]) == (HOLDER, "valid")
