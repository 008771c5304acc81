"""Whatever a person mistypes, the answer is a page in their language, never JSON."""

from pathlib import Path

import pytest
from fastapi import APIRouter

from api.language import Language
from tests.api.doors import Doors, open_doors, the_settings
from tests.api.knocking import Visitor, furnish
from tests.api.reading import read
from tests.dossiers import HOLDER

LANGUAGES: tuple[Language, ...] = ("fr", "en")


@pytest.fixture
async def service(away: Doors) -> Doors:
    await furnish(away)
    return away


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("visitor", "method", "path", "code"),
    [
        ("nobody", "GET", "/nulle-part", 404),
        ("nobody", "GET", "/connexion?echec=nimporte", 422),
        ("nobody", "GET", "/deconnexion", 405),
        ("nobody", "DELETE", "", 405),
        ("its agency", "GET", "/agence?voir=tout-le-monde", 422),
        ("its agency", "GET", "/agence/lien/none", 404),
        ("decider", "GET", "/bureau/courriel/recus?issue=nimporte", 422),
        ("decider", "GET", "/bureau/courriel/recus?suite=brisee", 422),
        ("decider", "GET", "/bureau?suite=brisee", 422),
        ("decider", "GET", "/bureau/courriel?jour=demain", None),
        ("its person", "POST", f"/dossier/{HOLDER}/horloge", 422),
    ],
)
async def test_what_was_mistyped_is_answered_by_a_page(
    service: Doors,
    language: Language,
    visitor: str,
    method: str,
    path: str,
    code: int | None,
) -> None:
    answer = await Visitor(service, visitor).ask(method, f"/{language}{path}")
    assert answer.headers["content-type"] == "text/html; charset=utf-8", answer.text
    assert code in {None, answer.status_code}
    page = read(answer, language)
    if answer.is_error:
        begins = "Erreur" if language == "fr" else "Error"
        assert page.texts["title"][0].startswith(begins)
    if visitor != "nobody":
        assert "Quelqu'un" in page.texts["section"][0]


@pytest.mark.parametrize(
    ("said", "language"), [("en-CA", "en"), ("de", "fr"), ("fr", "fr")]
)
async def test_outside_of_both_languages_the_browsers_own_is_spoken(
    away: Doors, said: str, language: Language
) -> None:
    answer = await away.ask("GET", "/nowhere/at/all", headers={"Accept-Language": said})
    assert answer.status_code == 404
    page = read(answer, language)
    (switch,) = [a for a in page.attributes["a"] if a.get("class") == "switch"]
    assert switch["href"] == ("/fr" if language == "en" else "/en")


@pytest.mark.parametrize(
    ("visitor", "path", "leads_to"),
    [
        ("its person", f"/dossier/{HOLDER}/observations", f"/fr/dossier/{HOLDER}"),
        ("its person", "/dossier/CAR202600000099", "/fr/dossier"),
        ("its agency", "/agence/lien/none", "/fr/agence"),
        ("nobody", "/nulle-part", "/fr"),
    ],
)
async def test_a_page_that_says_no_leads_back_to_where_one_was(
    service: Doors, visitor: str, path: str, leads_to: str
) -> None:
    answer = await Visitor(service, visitor).ask("GET", f"/fr{path}")
    content = answer.text.partition("<main")[2].partition("</main>")[0]
    assert content.partition('href="')[2].partition('"')[0] == leads_to


async def test_a_wrong_method_says_which_are_right(away: Doors) -> None:
    answer = await away.ask("DELETE", "/fr/sessions")
    assert answer.headers["allow"]
    read(answer, "fr")


async def test_a_form_from_elsewhere_is_refused_on_a_page(service: Doors) -> None:
    nadia = Visitor(service, "its person")
    foreign = {"Sec-Fetch-Site": "cross-site"}
    answer = await nadia.ask("POST", "/en/session", headers=foreign)
    assert answer.status_code == 403
    assert "grown old" in read(answer, "en").texts["main"][0]


async def test_a_form_sent_after_the_session_ended_leads_to_sign_in_and_back(
    service: Doors,
) -> None:
    answer = await service.ask(
        "POST",
        f"/fr/dossier/{HOLDER}/transfert",
        data={"form_token": "of a session that ended"},
    )
    assert answer.status_code == 303
    back = f"%2Ffr%2Fdossier%2F{HOLDER}%2Ftransfert"
    assert answer.headers["location"] == f"/fr/connexion?retour={back}"


async def test_a_name_that_is_not_ours_is_answered_by_a_page_without_anybody(
    service: Doors,
) -> None:
    foreign = {"Host": "elsewhere.example"}
    answer = await service.ask("GET", f"/en/dossier/{HOLDER}", headers=foreign)
    assert answer.status_code == 404
    assert "Nadia" not in read(answer, "en").texts["body"][0]


async def test_a_body_without_end_is_answered_by_a_page(service: Doors) -> None:
    answer = await service.ask(
        "POST", f"/fr/dossier/{HOLDER}/transfert", content=b"x" * 200_000
    )
    assert answer.status_code == 413
    read(answer, "fr")


async def test_a_mistake_of_ours_is_a_page_with_its_incident_and_no_trace(
    database_url: str, tmp_path: Path
) -> None:
    broken = APIRouter()

    @broken.get("/fr/brise")
    async def break_down() -> None:
        raise ZeroDivisionError("a secret of ours")

    settings = the_settings(database_url, tmp_path, "127.0.0.1:1")
    async with open_doors(settings) as doors:
        doors.app.include_router(broken)
        answer = await doors.ask("GET", "/fr/brise")
    assert answer.status_code == 500
    said = read(answer, "fr").texts["main"][0]
    assert "numéro d'incident" in said
    assert "secret" not in answer.text


async def test_under_the_interface_for_machines_the_answer_stays_json(
    away: Doors,
) -> None:
    for method, path, code in (
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/api/nowhere", 404),
        ("DELETE", "/readyz", 405),
        ("GET", "/simulator/sessions/none", 404),
    ):
        answer = await away.ask(method, path, headers={"Accept": "text/html"})
        assert answer.status_code == code
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("url", "kept"),
    [("https://echeance.example", True), ("http://127.0.0.1:1", False)],
)
async def test_a_service_reached_by_https_is_asked_for_by_https_alone(
    database_url: str, tmp_path: Path, url: str, *, kept: bool
) -> None:
    settings = the_settings(
        database_url, tmp_path, "127.0.0.1:1", ECHEANCE_PUBLIC_URL=url
    )
    async with open_doors(settings) as doors:
        answer = await doors.ask("GET", "/livez")
    assert ("strict-transport-security" in answer.headers) is kept
