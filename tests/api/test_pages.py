"""The portal's pages: what each phase says, in both languages, and to nobody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from api.access import Role
from api.app import create_app
from api.language import Language
from api.pages.start import cost_on
from api.pages.words import Voice
from api.parts import Parts
from api.stories import Stories
from letters.wording import LANGUAGES, deadline, full_date, weekday_date
from records.models import DossierRow, Letter, Person
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
    await doors.sit_down(Role.OFFICER, "staff:claire")
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
    await doors.sit_down(Role.OFFICER, "staff:claire")
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
    await away.sit_down(Role.OFFICER, "staff:claire")
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
    await away.sit_down(Role.OFFICER, "staff:claire")
    page = await seen(away, f"/dossier/{HOLDER}", "fr")
    said = page.texts["main"][0]
    assert "Le dossier ne répond pas en ce moment." in said
    assert f"{full_date(dossier.opened_on, 'fr')} à 0\u00a0h\u00a000" in said
    # The last record is two years old; the days are counted from today all the same.
    assert "Il vous reste 29\u00a0jours" in said


async def test_while_the_story_is_away_days_are_counted_up_to_what_falls_due_next(
    away: Doors,
) -> None:
    dossier = a_holder(away.today + 30 * DAYS)
    await away.office.place(dossier)
    await away.sit_down(Role.OFFICER, "staff:claire")
    async with away.parts.sessions.begin() as session:
        row = await session.get_one(DossierRow, dossier.number)
        row.next_due_at = noon(away.today - 3 * DAYS)
    page = await seen(away, f"/dossier/{HOLDER}", "fr")
    # What was due three days ago may have changed the rest: nobody knows yet.
    assert "Il vous reste 32\u00a0jours" in page.texts["main"][0]


# ------------------------------------------------------------------- without a session


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_start_page_names_nobody_and_leads_to_sign_in(
    away: Doors, language: Language
) -> None:
    await away.office.place(a_holder())
    page = await seen(away, "", language)
    said = page.texts["main"][0]
    assert HOLDER not in said
    assert "Nadia, Marc, Louise" in said
    assert away.parts.settings.office_help_address in said
    doors = [a for a in page.attributes["a"] if a["href"] == f"/{language}/connexion"]
    assert len(doors) == 2
    other = "en" if language == "fr" else "fr"
    (switch,) = [a for a in page.attributes["a"] if a.get("class") == "switch"]
    assert (switch["href"], switch["lang"]) == (f"/{other}", f"{other}-CA")


@pytest.mark.parametrize("embedded", ["true", "false"])
async def test_without_a_session_a_dossier_leads_to_sign_in_and_back(
    database_url: str, tmp_path: Path, embedded: str
) -> None:
    settings = the_settings(
        database_url, tmp_path, "127.0.0.1:1", ECHEANCE_EMBEDDED=embedded
    )
    async with open_doors(settings) as doors:
        await doors.office.place(a_holder())
        for number in (HOLDER, UNKNOWN, "CAR2026", "b"):
            for behind in ("", "/lettre"):
                path = f"/fr/dossier/{number}{behind}"
                answer = await doors.ask("GET", path)
                assert answer.status_code == 303
                wish = quote(path, safe="")
                assert answer.headers["location"] == f"/fr/connexion?retour={wish}"
        answer = await doors.ask("GET", "/en/dossier")
        assert answer.headers["location"] == "/en/connexion?retour=%2Fen%2Fdossier"
        start = await seen(doors, "", "fr")
        assert ("Démonstration" in start.texts["body"][0]) == (embedded == "true")


async def test_an_officer_opens_any_dossier_as_people_write_its_number(
    away: Doors,
) -> None:
    await away.office.place(a_holder())
    await away.sit_down(Role.OFFICER, "staff:claire")
    answer = await away.ask("GET", "/fr/dossier/car 2024-00000001")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/fr/dossier/{HOLDER}"
    assert "Marc Roy" in (await away.ask("GET", f"/fr/dossier/{HOLDER}")).text
    for path in (
        "/dossier/CAR2024",
        f"/dossier/{UNKNOWN}",
        f"/dossier/{UNKNOWN}/lettre",
    ):
        await seen(away, path, "en", 404)


async def test_a_dossier_is_shown_to_its_person_and_to_no_other(away: Doors) -> None:
    await away.office.place(a_holder())
    async with away.parts.sessions.begin() as session:
        person = (await session.scalars(select(Person))).one()
        person.sign_in_subject = "person:marc"
    await away.sit_down(Role.REPRESENTATIVE, "person:marc")
    page = await seen(away, f"/dossier/{HOLDER}", "fr")
    assert "Marc Roy" in page.texts["main"][0]
    answer = await away.ask("GET", "/en/dossier")
    assert answer.headers["location"] == "/en/mes-dossiers"
    await away.sit_down(Role.REPRESENTATIVE, "person:nadia")
    for behind in ("", "/lettre?key=1"):
        others = await away.ask("GET", f"/fr/dossier/{HOLDER}{behind}")
        nobodys = await away.ask("GET", f"/fr/dossier/{UNKNOWN}{behind}")
        assert others.status_code == nobodys.status_code == 404
        assert others.text.replace(HOLDER, UNKNOWN) == nobodys.text
    await away.sit_down(Role.AGENCY, "business:boreal")
    answer = await away.ask("GET", f"/fr/dossier/{HOLDER}")
    assert answer.headers["location"].startswith("/fr/connexion?")


async def test_the_band_says_what_was_done_and_prints_nothing_unread(
    away: Doors,
) -> None:
    await away.office.place(a_holder())
    await away.sit_down(Role.OFFICER, "staff:claire")
    path = f"/dossier/{HOLDER}?fait=transfer&ref="
    said = (await seen(away, f"{path}0A1B2C3D", "fr")).texts["main"][0]
    assert said.strip().startswith("C'est fait")
    assert "0A1B2C3D" in said
    for unread in (f"{path}<b>", f"/dossier/{HOLDER}?fait=won&ref=0A1B2C3D"):
        assert "done" not in str((await seen(away, unread, "fr")).attributes["div"])


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


# ------------------------------------------------------------------------ what it bears


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


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("elsewhere.example", 404),
        ("127.0.0.1.elsewhere.example:8000", 404),
        ("[::1", 404),
        ("127.0.0.1:8000", 200),
        ("localhost:8000", 200),
        ("[::1]:8000", 200),
    ],
)
async def test_one_machine_answers_under_its_own_names_only(
    away: Doors, host: str, code: int
) -> None:
    answer = await away.ask("GET", "/fr", headers={"Host": host})
    assert answer.status_code == code
    assert answer.headers["content-security-policy"]


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
    token = await doors.sit_down(Role.OFFICER, "staff:claire")
    form = {"form_token": token}
    without = await seen(doors, f"/dossier/{HOLDER}", "fr")
    assert "horloge" not in str(without.attributes["form"])
    asked = {"jump": "7", **form}
    assert (await doors.ask("POST", f"{path}/horloge", data=asked)).is_error
    doors.app.state.mover = mover
    page = await seen(doors, f"/dossier/{HOLDER}", "fr")
    jumps = [b["value"] for b in page.attributes["button"] if "value" in b]
    assert jumps == ["1", "7", "30", "90", "next"]
    for jump in ("7", "next"):
        answer = await doors.ask("POST", f"{path}/horloge", data={"jump": jump, **form})
        assert (answer.status_code, answer.headers["location"]) == (303, path)
    (first, week), (_, due) = moved
    assert first == HOLDER
    assert 6 <= (week.date() - doors.today).days <= 8
    agenda = await doors.get(f"/api/v1/dossiers/{HOLDER}/agenda")
    coming = [d["due_at"] for d in agenda["duties"] if not d["settled"]]
    assert due - timedelta(minutes=1) == datetime.fromisoformat(min(coming))
    unknown = await doors.ask("POST", f"{path}/horloge", data={"jump": "400", **form})
    assert unknown.status_code == 422
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    for data, headers in ((asked, elsewhere), ({"jump": "7"}, {})):
        refused = await doors.ask("POST", f"{path}/horloge", data=data, headers=headers)
        assert refused.status_code == 403
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
