"""The portal's pages: what each phase says, in both languages, and to nobody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from api.app import create_app
from api.language import Language
from api.pages.start import cost_on
from api.pages.words import Voice
from api.parts import Parts
from api.stories import Stories
from letters.wording import LANGUAGES, deadline, full_date, weekday_date
from records.models import Letter
from rules.civil_time import add_years, last_day_to_act
from rules.dossier import (
    Dossier,
    Ending,
    EndReason,
    Phase,
    Stage,
    Task,
    TransferRequest,
)
from rules.numbers import DossierNumber
from tests.api.doors import Doors, knocking_at, open_doors, the_settings
from tests.api.reading import Read, read
from tests.dossiers import (
    HOLDER,
    a_finalizing,
    a_holder,
    a_link,
    a_newcomer,
    a_policy,
    noon,
)

REASON = "certificate_of_another_person"
UNKNOWN = "CAR202600000009"
HTML = {"Accept": "text/html"}


async def seen(doors: Doors, path: str, language: Language, code: int = 200) -> Read:
    answer = await doors.ask("GET", f"/{language}{path}", headers=HTML)
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return read(answer, language)


# ------------------------------------------------------------- a dossier, by its phase


def in_review(today: date) -> Dossier:
    return replace(
        a_newcomer(today),
        request=TransferRequest(
            "r-1", today - timedelta(days=2), Stage.WITH_STAFF, HOLDER
        ),
        tasks=(Task("t-1", REASON, today + timedelta(days=10)),),
    )


def finalizing(today: date) -> Dossier:
    passed = a_finalizing(today - timedelta(days=30), here_since=today)
    return replace(passed, opened_on=today)


def suspended(today: date) -> Dossier:
    start = today - timedelta(days=600)
    lost = a_link(start, today - timedelta(days=10))
    return a_holder(today + timedelta(days=30), links=(lost,))


def cancelled(today: date) -> Dossier:
    return replace(a_newcomer(today), ending=Ending(EndReason.CANCELLED, today))


def open_day(limit: date) -> date:
    return last_day_to_act(limit, delays_extended=True)


DAYS = timedelta(days=1)
Wording = Callable[[date, Language], str]
SITUATIONS: list[tuple[Phase, Callable[[date], Dossier], Callable[[date], date]]] = [
    (Phase.EXAM_AWAITED, a_newcomer, lambda today: today),
    (Phase.IN_REVIEW, in_review, lambda today: today - 2 * DAYS),
    (
        Phase.TO_FINALIZE,
        finalizing,
        lambda today: open_day(add_years(today - 30 * DAYS, 2)),
    ),
    (
        Phase.IN_FORCE,
        lambda today: a_holder(today + 30 * DAYS),
        lambda today: today + 29 * DAYS,
    ),
    (Phase.SUSPENDED, suspended, lambda today: today - 10 * DAYS),
    (
        Phase.EXPIRED,
        lambda today: a_holder(today - 40 * DAYS),
        lambda today: today - 40 * DAYS,
    ),
    (Phase.CLOSED, cancelled, lambda today: today),
]


@pytest.mark.parametrize(
    ("phase", "built", "turning"), SITUATIONS, ids=[s[0] for s in SITUATIONS]
)
async def test_each_phase_says_its_own_headline_with_the_day_on_which_it_turns(
    doors: Doors,
    phase: Phase,
    built: Callable[[date], Dossier],
    turning: Callable[[date], date],
) -> None:
    dossier = built(doors.today)
    await doors.office.place(dossier)
    if phase is not Phase.CLOSED:
        assert await Stories(doors.parts.client).begin(dossier.number)
    for language in LANGUAGES:
        page = await seen(doors, f"/dossier/{dossier.number}", language)
        said = page.texts["main"][0]
        assert unescape(Voice(language)(f"status.{phase}")) in said
        first = said.partition(unescape(Voice(language)("turn.title")))[0]
        assert weekday_date(turning(doors.today), language) in first
        assert len(page.texts["li"]) >= 5
        assert REASON not in said
        assert "Marc Roy" in said


async def test_a_holder_reads_what_comes_and_why(doors: Doors) -> None:
    dossier = a_holder(doors.today + 40 * DAYS)
    await doors.office.place(dossier)
    await Stories(doors.parts.client).begin(dossier.number)
    page = await seen(doors, f"/dossier/{HOLDER}", "fr")
    said = page.texts["main"][0]
    assert "il vous restera 30\u00a0jours" in said
    assert "c'est le dernier jour pour renouveler" in said
    assert "page de l'Office sur le renouvellement, 15 juillet 2024" in said
    assert "Oui : votre certificat n'est pas arrivé à sa fin." in said.replace(
        "\u00a0", " "
    )
    assert deadline(doors.today + 39 * DAYS, "fr") in said


async def test_letters_are_listed_and_each_can_be_read(away: Doors) -> None:
    await away.office.place(a_holder())
    key = f"{HOLDER}/2026-12-10/reminder_30"
    await away.office.add(
        Letter(
            key=key,
            dossier=HOLDER,
            notice="reminder_30",
            ordered={},
            occurred_at=noon(date(2026, 11, 9)),
            state="accepted",
            language="fr",
            subject="Il vous reste <30 jours>",
            body="Bonjour Marc,\n\nPayez & restez.",
        )
    )
    page = await seen(away, f"/dossier/{HOLDER}", "en")
    (link,) = [
        a["href"] for a in page.attributes["a"] if "lettre" in (a["href"] or "")
    ][:1]
    assert link is not None
    # The history leads to it too, under the name of its kind.
    leading = [a.get("lang") for a in page.attributes["a"] if a["href"] == link]
    assert leading == [None, "fr-CA"]
    answer = await away.ask("GET", link)
    letter = read(answer, "en")
    assert letter.texts["pre"] == ["Bonjour Marc,\n\nPayez & restez."]
    assert letter.texts["h1"] == ["Il vous reste <30 jours>"]
    assert letter.attributes["pre"][0]["lang"] == "fr-CA"
    await seen(away, f"/dossier/{HOLDER}/lettre?key=other", "fr", 404)


async def test_while_the_story_is_away_the_last_known_state_bears_its_hour(
    away: Doors,
) -> None:
    dossier = a_holder(away.today + 30 * DAYS)
    await away.office.place(dossier)
    page = await seen(away, f"/dossier/{HOLDER}", "fr")
    said = page.texts["main"][0]
    assert "Le dossier ne répond pas en ce moment." in said
    assert f"{full_date(dossier.opened_on, 'fr')} à 0\u00a0h\u00a000" in said


# ------------------------------------------------------------------- finding a dossier


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_pages_that_need_no_dossier_are_read_in_both_languages(
    away: Doors, language: Language
) -> None:
    await away.office.place(a_holder())
    for path in ("", "/dossier"):
        page = await seen(away, path, language)
        said = page.texts["main"][0]
        assert HOLDER in said
        assert away.parts.settings.office_help_address in said
        other = "en" if language == "fr" else "fr"
        (switch,) = [a for a in page.attributes["a"] if a.get("class") == "switch"]
        assert (switch["href"], switch["lang"]) == (f"/{other}{path}", f"{other}-CA")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        ("CAR2026", 422, ("trop court", "too short")),
        ("<b>", 422, ("ne peut pas faire partie", "cannot be part")),
        (" ", 422, ("Écrivez le numéro.", "Write the number.")),
        (UNKNOWN, 404, (UNKNOWN, UNKNOWN)),
    ],
)
async def test_a_number_that_opens_nothing_is_asked_again_with_the_reason(
    away: Doors, language: Language, written: str, code: int, said: tuple[str, str]
) -> None:
    answer = await away.ask(
        "GET", f"/{language}/dossier", params={"numero": written}, headers=HTML
    )
    page = read(answer, language)
    assert answer.status_code == code
    begins = "Erreur\u00a0:" if language == "fr" else "Error:"
    assert page.texts["title"][0].startswith(begins)
    told = said[LANGUAGES.index(language)]
    (given,) = page.attributes["input"]
    assert given["value"] == written
    assert given["aria-invalid"] == "true"
    summary, _switch = page.texts["ul"][1], page.texts["ul"][0]
    assert told in summary
    assert page.texts["main"][0].count(told) >= 2
    (switch,) = [a for a in page.attributes["a"] if a.get("class") == "switch"]
    again = await away.ask("GET", str(switch["href"]))
    assert again.status_code == code
    assert (
        read(again, "en" if language == "fr" else "fr").attributes["input"][0]["value"]
        == written
    )


async def test_a_number_is_read_as_people_write_it(away: Doors) -> None:
    await away.office.place(a_holder())
    for path in ("/fr/dossier?numero=car 2024-00000001", "/fr/dossier/car202400000001"):
        answer = await away.ask("GET", path)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/fr/dossier/{HOLDER}"
    for path in ("/dossier/CAR2024", f"/dossier/{UNKNOWN}/lettre?key=1"):
        await seen(away, path, "en", 404 if UNKNOWN in path else 422)


@pytest.mark.parametrize(
    ("wished", "language"), [("en-CA,fr;q=0.5", "en"), ("de", "fr"), ("", "fr")]
)
async def test_the_root_leads_to_the_language_of_the_browser(
    away: Doors, wished: str, language: str
) -> None:
    answer = await away.ask("GET", "/", headers={"Accept-Language": wished})
    assert (answer.status_code, answer.headers["location"]) == (307, f"/{language}")
    assert answer.headers["vary"] == "Accept-Language"
    assert (await away.ask("GET", "/de")).status_code == 404


# ---------------------------------------------------------------------- who sees what


async def test_without_sign_in_no_dossier_is_shown_outside_of_the_one_machine_stack(
    database_url: str, tmp_path: Path
) -> None:
    settings = the_settings(
        database_url, tmp_path, "127.0.0.1:1", ECHEANCE_EMBEDDED="false"
    )
    async with open_doors(settings) as doors:
        await doors.office.place(a_holder())
        for path in ("", "/dossier", f"/dossier?numero={HOLDER}"):
            page = await seen(doors, path, "fr")
            assert "input" not in page.attributes
            assert "Démonstration" not in page.texts["body"][0]
            assert HOLDER not in page.texts["main"][0]
        answer = await doors.ask("GET", f"/fr/dossier/{HOLDER}")
        assert answer.headers["location"].startswith("/fr/connexion?retour=")


async def test_a_page_allows_no_script_and_no_style_from_elsewhere(
    away: Doors,
) -> None:
    answer = await away.ask("GET", "/fr")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; style-src 'self'; script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-language"] == "fr-CA"
    sheet = read(answer, "fr").attributes["link"][0]["href"]
    style = await away.ask("GET", str(sheet))
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in style.headers["cache-control"]
    assert "http" not in style.text
    assert "url(" not in style.text
    script = await away.ask(
        "GET", str(read(answer, "fr").attributes["script"][0]["src"])
    )
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "http" not in script.text
    assert len(script.text.splitlines()) <= 150


async def test_a_dossier_is_not_shown_under_a_name_that_is_not_ours(
    away: Doors,
) -> None:
    await away.office.place(a_holder())
    foreign = {"Host": "elsewhere.example"}
    for path in ("", "/dossier", f"/dossier/{HOLDER}", f"/dossier?numero={HOLDER}"):
        answer = await away.ask("GET", f"/fr{path}", headers=foreign)
        assert answer.status_code == 404
        assert "Marc Roy" not in answer.text


# --------------------------------------------------------------------- moving the clock


async def test_a_button_moves_the_clock_of_one_dossier_and_leads_back(
    doors: Doors,
) -> None:
    moved: list[tuple[str, datetime]] = []

    async def mover(_: Parts, number: DossierNumber, to: datetime) -> None:
        moved.append((number, to))

    dossier = a_holder(doors.today + 40 * DAYS)
    await doors.office.place(dossier)
    await Stories(doors.parts.client).begin(dossier.number)
    path = f"/fr/dossier/{HOLDER}"
    without = await seen(doors, f"/dossier/{HOLDER}", "fr")
    assert "form" not in without.attributes
    assert (await doors.ask("POST", f"{path}/horloge", data={"jump": "7"})).is_error
    doors.app.state.mover = mover
    page = await seen(doors, f"/dossier/{HOLDER}", "fr")
    jumps = [button["value"] for button in page.attributes["button"]]
    assert jumps == ["1", "7", "30", "90", "next"]
    for jump in ("7", "next"):
        answer = await doors.ask("POST", f"{path}/horloge", data={"jump": jump})
        assert (answer.status_code, answer.headers["location"]) == (303, path)
    (first, week), (_, due) = moved
    assert first == HOLDER
    assert 6 <= (week.date() - doors.today).days <= 8
    agenda = await doors.get(f"/api/v1/dossiers/{HOLDER}/agenda")
    coming = [d["due_at"] for d in agenda["duties"] if not d["settled"]]
    assert due - timedelta(minutes=1) == datetime.fromisoformat(min(coming))
    unknown = await doors.ask("POST", f"{path}/horloge", data={"jump": "400"})
    assert unknown.status_code == 422
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    refused = await doors.ask(
        "POST", f"{path}/horloge", data={"jump": "7"}, headers=elsewhere
    )
    assert refused.status_code == 400
    assert len(moved) == 2


@pytest.mark.parametrize(
    ("today", "until"),
    [
        (date(2026, 6, 30), date(2026, 6, 30)),
        (date(2026, 7, 1), date(2027, 6, 30)),
        (date(2024, 6, 30), date(2024, 6, 30)),
    ],
)
def test_the_cost_holds_until_the_day_before_the_next_indexation(
    today: date, until: date
) -> None:
    cost = cost_on(today, a_policy())
    assert cost.until == until
    assert cost.renewal_cents == (16100 if today.year == 2024 else 18500)


async def test_the_records_being_away_is_said_on_a_page(tmp_path: Path) -> None:
    settings = the_settings(
        "postgresql+psycopg://a:b@127.0.0.1:1/c", tmp_path, "127.0.0.1:1"
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app), knocking_at(app) as http:
        answer = await http.get("/en")
    page = read(answer, "en")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert page.texts["title"][0].startswith("Error:")
    assert "at the moment" in page.texts["main"][0]
