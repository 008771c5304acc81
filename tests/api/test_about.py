"""What anybody may know of the service, also while a part of it is away."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func

from api.app import create_app
from letters.wording import LANGUAGES, Language
from records.sweeps import Sweep
from settings import SettingsError
from tests.api.doors import Doors, knocking_at, open_doors, the_settings
from tests.api.reading import read
from workflows.upkeep import SWEEP_EVERY


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["accessibilite", "confidentialite", "etat"])
async def test_each_page_is_led_to_by_the_foot_of_every_page(
    away: Doors, language: Language, path: str
) -> None:
    start = read(await away.ask("GET", f"/{language}"), language)
    address = f"/{language}/{path}"
    assert address in [link["href"] for link in start.attributes["a"]]
    page = read(await away.ask("GET", address), language)
    assert away.parts.settings.office_help_address in page.texts["body"][0]


async def test_what_is_away_is_said_without_hiding_what_works(away: Doors) -> None:
    answer = await away.ask("GET", "/fr/etat")
    said = read(answer, "fr").texts["main"][0]
    assert answer.status_code == 503
    assert "Une partie du service ne répond pas" in said
    assert "Les dossiers sont accessibles" in said
    assert "Le suivi des échéances est arrêté" in said
    assert "Aucune lettre n'attend" in said


async def test_the_state_is_shown_while_the_records_are_away(tmp_path: Path) -> None:
    settings = the_settings(
        "postgresql+psycopg://a:b@127.0.0.1:1/c", tmp_path, "127.0.0.1:1"
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app), knocking_at(app) as http:
        answer = await http.get("/en/etat")
    said = read(answer, "en").texts["main"][0]
    assert answer.status_code == 503
    assert "Files cannot be reached" in said
    assert "Letters cannot be counted" in said


async def test_dates_are_said_followed_only_while_somebody_follows_them(
    doors: Doors,
) -> None:
    said = read(await doors.ask("GET", "/fr/etat"), "fr").texts["main"][0]
    assert "n'a pas confirmé récemment" in said
    for age, followed in ((timedelta(), True), (11 * SWEEP_EVERY, False)):
        ended = func.now() - age
        sweep = Sweep(started_at=ended, ended_at=ended, findings=[])
        await doors.office.add(sweep)
        answer = await doors.ask("GET", "/fr/etat")
        assert answer.status_code == 200
        said = read(answer, "fr").texts["main"][0]
        assert ("Les échéances sont suivies" in said) is followed


# ------------------------------------------------------------------ the operator's look


async def test_the_operators_look_is_put_over_every_page(
    database_url: str, tmp_path: Path
) -> None:
    look = tmp_path / "look"
    look.mkdir()
    (look / "brand.css").write_text(":root { --link: #003366; }")
    (look / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (look / "secret.txt").write_text("not served")
    settings = the_settings(
        database_url, tmp_path, "127.0.0.1:1", ECHEANCE_BRAND_DIR=str(look)
    )
    async with open_doors(settings) as doors:
        page = read(await doors.ask("GET", "/fr"), "fr")
        sheets = [
            str(link["href"])
            for link in page.attributes["link"]
            if link["rel"] == "stylesheet"
        ]
        assert sheets[1].startswith("/marque/brand.css?v=")
        style = await doors.ask("GET", sheets[1])
        assert style.text == ":root { --link: #003366; }"
        assert style.headers["content-type"].startswith("text/css")
        assert "immutable" in style.headers["cache-control"]
        (logo,) = page.attributes["img"]
        assert logo["alt"] == ""
        drawn = await doors.ask("GET", str(logo["src"]))
        assert drawn.headers["content-type"] == "image/svg+xml"
        for name in ("secret.txt", "..%2Ftokens.json", "none.css"):
            assert (await doors.ask("GET", f"/marque/{name}")).status_code == 404


async def test_without_a_folder_nothing_is_asked_for(away: Doors) -> None:
    page = read(await away.ask("GET", "/fr"), "fr")
    assert "img" not in page.attributes
    assert "/marque/" not in str(page.attributes["link"])


def test_a_folder_without_its_stylesheet_stops_the_start(tmp_path: Path) -> None:
    settings = the_settings(
        "postgresql+psycopg://a:b@127.0.0.1:1/c",
        tmp_path,
        "127.0.0.1:1",
        ECHEANCE_BRAND_DIR=str(tmp_path),
    )
    with pytest.raises(SettingsError, match=r"brand\.css"):
        create_app(settings)


@pytest.mark.parametrize(
    ("language", "hours"),
    [("fr", "de 8 h 30 à 16 h 30"), ("en", "8:30 am to 4:30 pm")],
)
async def test_each_page_says_the_telephone_and_the_hours_of_the_office_if_they_are_set(
    database_url: str, tmp_path: Path, language: Language, hours: str
) -> None:
    settings = the_settings(
        database_url,
        tmp_path,
        "127.0.0.1:1",
        ECHEANCE_OFFICE_TELEPHONE="514 555-0123",
        ECHEANCE_OFFICE_HOURS_FR="de 8 h 30 à 16 h 30",
        ECHEANCE_OFFICE_HOURS_EN="8:30 am to 4:30 pm",
    )
    async with open_doors(settings) as doors:
        for path in ("", "/connexion", "/confidentialite"):
            page = read(await doors.ask("GET", f"/{language}{path}"), language)
            foot = page.texts["footer"][0]
            assert hours in foot
            assert "514 555-0123" in foot
            assert "tel:5145550123" in [link["href"] for link in page.attributes["a"]]


@pytest.mark.parametrize(
    ("language", "kept"),
    [("fr", "sept ans après sa fermeture"), ("en", "seven years after it is closed")],
)
async def test_privacy_says_how_long_a_file_is_kept_only_where_the_office_set_it(
    database_url: str, tmp_path: Path, language: Language, kept: str
) -> None:
    told = {
        "ECHEANCE_OFFICE_KEEPS_FR": "sept ans après sa fermeture",
        "ECHEANCE_OFFICE_KEEPS_EN": "seven years after it is closed",
    }
    unset = {"fr": "ne l'a pas encore inscrite ici", "en": "has not written it here"}
    for set_here in (told, {}):
        settings = the_settings(database_url, tmp_path, "127.0.0.1:1", **set_here)
        async with open_doors(settings) as doors:
            address = f"/{language}/confidentialite"
            said = read(await doors.ask("GET", address), language).texts["main"][0]
        assert (kept in said) is bool(set_here)
        assert (unset[language] in said) is not bool(set_here)


async def test_privacy_says_what_a_calendar_address_holds_and_how_long_things_are_kept(
    away: Doors,
) -> None:
    for language, said in {
        "fr": ("Qui a l'adresse lit la même chose", "30 jours", "12 heures"),
        "en": ("Whoever has the address reads the same", "30 days", "12 hours"),
    }.items():
        answer = await away.ask("GET", f"/{language}/confidentialite")
        page = read(answer, "fr" if language == "fr" else "en").texts["main"][0]
        for each in said:
            assert each in page.replace("\xa0", " ")
