"""Signing in: who is believed, for how long, in which browser, and who is not."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import Response
from joserfc.jwk import ECKey
from sqlalchemy import func, select, update

from api.signin.cookies import Cookies
from records.sessions import LIMITS, Session, SignIn
from tests.api.doors import Doors, a_port, open_doors, the_settings
from tests.api.providers import (
    Browser,
    Liar,
    a_liar,
    a_stand_in,
    a_stranger,
    asked_of_provider,
    back_from,
)
from tests.upkeep.server import a_closed_port

MINUTE = timedelta(minutes=1)


@asynccontextmanager
async def doors_with(
    database_url: str, folder: Path, **sign_in: str
) -> AsyncIterator[Doors]:
    address = f"127.0.0.1:{await a_closed_port()}"
    settings = the_settings(database_url, folder, address, **sign_in)
    async with open_doors(settings) as doors:
        yield doors


@pytest.fixture
async def doors(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    async with (
        a_stand_in() as sign_in,
        doors_with(database_url, tmp_path, **sign_in) as doors,
    ):
        yield doors


@pytest.fixture
async def browser(doors: Doors) -> AsyncIterator[Browser]:
    browser = Browser(doors)
    yield browser
    await browser.close()


async def the_session(doors: Doors, browser: Browser) -> Session:
    async with doors.parts.sessions() as session:
        return await session.get_one(Session, browser.session_hash)


async def make_older(
    doors: Doors, *, seen: timedelta | None = None, begun: timedelta | None = None
) -> None:
    moved: dict[str, Any] = {}
    if seen is not None:
        moved["seen_at"] = func.now() - seen
    if begun is not None:
        moved["begun_at"] = func.now() - begun
    async with doors.parts.sessions.begin() as session:
        await session.execute(update(Session).values(moved))


# ------------------------------------------------------------------ who is believed


@pytest.mark.parametrize(
    ("door", "subject", "role", "home"),
    [
        ("personne", "nadia", "representative", "/fr/dossier"),
        ("agence", "boreal", "agency", "/fr/agence"),
        ("office", "claire", "officer", "/fr/bureau"),
    ],
)
async def test_each_door_leads_home_with_a_session_of_its_role(
    doors: Doors, browser: Browser, door: str, subject: str, role: str, home: str
) -> None:
    answer = await browser.sign_in(door, subject)

    assert answer.status_code == 303
    assert answer.headers["location"] == home
    session = await the_session(doors, browser)
    assert session.role == role
    assert session.account.endswith(f":{subject}")
    assert session.decides is False


async def test_only_the_group_of_deciders_decides(
    doors: Doors, browser: Browser
) -> None:
    await browser.sign_in("office", "denis")
    assert (await the_session(doors, browser)).decides is True


async def test_one_comes_back_to_the_page_one_asked_for(browser: Browser) -> None:
    answer = await browser.sign_in("personne", "nadia", "/en/dossier?numero=CAR1")
    assert answer.headers["location"] == "/en/dossier?numero=CAR1"


@pytest.mark.parametrize(
    "wish",
    [
        "https://elsewhere.example/fr/",
        "//elsewhere.example/fr/",
        "/\\elsewhere.example",
        "/fr/\\..",
        "javascript:alert(1)",
        "/fr/\r\nSet-Cookie: x=y",
        "/connexion/retour",
    ],
)
async def test_nobody_is_led_elsewhere_after_signing_in(
    browser: Browser, wish: str
) -> None:
    answer = await browser.sign_in("personne", "nadia", wish)
    assert answer.headers["location"] == "/fr/dossier"


async def test_the_provider_is_asked_with_pkce_a_nonce_and_the_language(
    browser: Browser,
) -> None:
    first = asked_of_provider(await browser.sent_to_provider("personne"))
    second = asked_of_provider(await browser.sent_to_provider("personne"))
    assert first["code_challenge_method"] == "S256"
    assert first["ui_locales"].startswith("fr-CA")
    for fresh in ("state", "nonce", "code_challenge"):
        assert len(first[fresh]) >= 43
        assert first[fresh] != second[fresh]


async def test_the_way_back_is_good_once(browser: Browser) -> None:
    way_back = await browser.click_on(
        await browser.sent_to_provider("personne"), "nadia"
    )
    assert (await browser.go(way_back)).status_code == 303
    assert "a déjà servi" in await browser.refused(await browser.go(way_back))


async def test_the_way_back_is_of_no_use_in_another_browser(
    doors: Doors, browser: Browser
) -> None:
    other = Browser(doors)
    await other.sent_to_provider("personne")
    way_back = await browser.click_on(
        await browser.sent_to_provider("personne"), "nadia"
    )
    await browser.refused(await other.go(way_back))
    assert not await other.is_signed_in()
    await other.close()


async def test_a_sign_in_left_lying_is_begun_again(
    doors: Doors, browser: Browser
) -> None:
    url = await browser.sent_to_provider("personne")
    async with doors.parts.sessions.begin() as session:
        await session.execute(
            update(SignIn).values(begun_at=func.now() - timedelta(minutes=11))
        )
    await browser.refused(await browser.go(await browser.click_on(url, "nadia")))


async def test_sign_ins_that_nobody_ended_are_forgotten(
    doors: Doors, browser: Browser
) -> None:
    await browser.sent_to_provider("personne")
    async with doors.parts.sessions.begin() as session:
        await session.execute(
            update(SignIn).values(begun_at=func.now() - timedelta(minutes=11))
        )
    await browser.sent_to_provider("personne")
    async with doors.parts.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(SignIn)) == 1


async def test_an_address_of_the_way_back_made_up_leads_nowhere(
    browser: Browser,
) -> None:
    for path in ("/connexion/retour", "/connexion/retour?code=x&state=y"):
        await browser.refused(await browser.go(path))
    assert not await browser.is_signed_in()


# ------------------------------------------------------------ what is not believed

Lie = Callable[[Liar, dict[str, Any]], str]


def _with(**changed: Any) -> Lie:
    return lambda liar, claims: liar.signed({**claims, **changed})


def _without(name: str) -> Lie:
    return lambda liar, claims: liar.signed(
        {key: value for key, value in claims.items() if key != name}
    )


def _unsigned(liar: Liar, claims: dict[str, Any]) -> str:
    head, body, _ = liar.signed(claims).split(".")
    del head
    return f"eyJhbGciOiJub25lIn0.{body}."


def _another_body(liar: Liar, claims: dict[str, Any]) -> str:
    head, _, signature = liar.signed(claims).split(".")
    body = liar.signed({**claims, "sub": "somebody else"}).split(".")[1]
    return f"{head}.{body}.{signature}"


LIES: dict[str, Lie] = {
    "another issuer": _with(iss="https://elsewhere.example"),
    "another audience": _with(aud="another-service"),
    "several audiences, not azp": _with(aud=["echeance", "another"]),
    "another nonce": _with(nonce="of another sign-in"),
    "no nonce": _without("nonce"),
    "no subject": _without("sub"),
    "no end": _without("exp"),
    "ended": _with(exp=1_700_000_000),
    "not yet": _with(nbf=4_000_000_000),
    "unsigned": _unsigned,
    "signed with the public key": lambda liar, claims: liar.signed_by_secret(claims),
    "another body": _another_body,
    "no token": lambda _liar, _claims: "",
    "garbage": lambda _liar, _claims: "a.b.c",
}


async def _answer_to(doors: Doors, liar: Liar, lie: Lie) -> httpx2.Response:
    liar.lie = lie
    browser = Browser(doors)
    asked = asked_of_provider(await browser.sent_to_provider("personne"))
    liar.nonces["the-code"] = asked["nonce"]
    answer = await browser.go(f"/connexion/retour?code=the-code&state={asked['state']}")
    await browser.close()
    return answer


@asynccontextmanager
async def doors_of_a_liar(
    database_url: str, folder: Path, **more: str
) -> AsyncIterator[tuple[Doors, Liar]]:
    async with a_liar() as liar:
        sign_in = {"ECHEANCE_SIGN_IN_PERSON_ISSUER": liar.base, **more}
        async with doors_with(database_url, folder, **sign_in) as doors:
            yield doors, liar


async def test_a_token_is_believed_only_when_all_of_it_is_true(
    database_url: str, tmp_path: Path
) -> None:
    async with doors_of_a_liar(database_url, tmp_path) as (doors, liar):
        for name, lie in LIES.items():
            answer = await _answer_to(doors, liar, lie)
            assert "echec=" in answer.headers["location"], name
        async with doors.parts.sessions() as session:
            assert await session.scalar(select(func.count()).select_from(Session)) == 0
        true = await _answer_to(doors, liar, _with())
        assert true.headers["location"] == "/fr/dossier"


async def test_a_weaker_proof_than_asked_for_is_not_enough(
    database_url: str, tmp_path: Path
) -> None:
    levels = {"ECHEANCE_SIGN_IN_PERSON_ACR": "haut tres-haut"}
    async with doors_of_a_liar(database_url, tmp_path, **levels) as (doors, liar):
        for claim, where in (
            ({}, "echec=too_weak"),
            ({"acr": "bas"}, "echec=too_weak"),
            ({"acr": "haut"}, "/fr/dossier"),
        ):
            answer = await _answer_to(doors, liar, _with(**claim))
            assert answer.headers["location"].endswith(where), claim


async def test_a_new_key_of_the_provider_is_asked_for(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.signin.provider._ASKED_AGAIN_S", 0.0)
    async with doors_of_a_liar(database_url, tmp_path) as (doors, liar):
        for kid in ("one", "two"):
            liar.key = ECKey.generate_key("P-256", {"kid": kid})
            answer = await _answer_to(doors, liar, _with())
            assert answer.headers["location"] == "/fr/dossier", kid


async def test_an_officer_without_a_group_has_no_session(
    database_url: str, tmp_path: Path
) -> None:
    async with a_liar() as liar:
        issuer = {"ECHEANCE_SIGN_IN_STAFF_ISSUER": liar.base}
        async with doors_with(database_url, tmp_path, **issuer) as doors:
            browser = Browser(doors)
            asked = asked_of_provider(await browser.sent_to_provider("office"))
            liar.nonces["the-code"] = asked["nonce"]
            answer = await browser.go(
                f"/connexion/retour?code=the-code&state={asked['state']}"
            )
            assert "pas de rôle" in await browser.refused(answer)
            await browser.close()


async def test_a_provider_that_is_away_is_said_in_words(
    database_url: str, tmp_path: Path
) -> None:
    port = await a_closed_port()
    issuer = {"ECHEANCE_SIGN_IN_PERSON_ISSUER": f"http://127.0.0.1:{port}"}
    async with doors_with(database_url, tmp_path, **issuer) as doors:
        for language, words in (("fr", "ne répond pas"), ("en", "does not answer")):
            browser = Browser(doors)
            answer = await browser.go(f"/{language}/connexion/personne")
            assert words in await browser.refused(answer, 503)
            await browser.close()


async def test_a_door_without_a_provider_is_not_shown(
    database_url: str, tmp_path: Path
) -> None:
    async with doors_with(database_url, tmp_path) as doors:
        answer = await doors.ask("GET", "/fr/connexion")
        assert answer.status_code == 200
        assert "On ne peut pas ouvrir de session" in answer.text
        answer = await doors.ask("GET", "/fr/connexion/personne")
        assert answer.headers["location"] == "/fr/connexion"


async def test_a_provider_that_others_wrote_is_understood(
    database_url: str, tmp_path: Path
) -> None:
    async with a_stranger() as issuer:
        sign_in = {
            "ECHEANCE_SIGN_IN_PERSON_ISSUER": issuer,
            "ECHEANCE_SIGN_IN_PERSON_CLIENT_SECRET": "ours",
        }
        async with doors_with(database_url, tmp_path, **sign_in) as doors:
            browser = Browser(doors)
            url = await browser.sent_to_provider("personne")
            async with httpx2.AsyncClient(trust_env=False) as provider:
                sent = await provider.post(url, data={"sub": "nadia"})
            assert sent.status_code == 302, sent.text
            answer = await browser.go(back_from(sent.headers["location"]))
            assert answer.headers["location"] == "/fr/dossier"
            assert (await the_session(doors, browser)).account == "person:nadia"
            await browser.close()


# ---------------------------------------------------------------------- a session


async def test_the_records_hold_no_value_that_could_be_used(
    doors: Doors, browser: Browser
) -> None:
    url = await browser.sent_to_provider("personne")
    state, tied = asked_of_provider(url)["state"], browser.http.cookies
    async with doors.parts.sessions() as session:
        begun = (await session.scalars(select(SignIn))).one()
    assert state not in {begun.state_hash, begun.browser_hash}
    assert tied["echeance_sign_in"] not in {begun.state_hash, begun.browser_hash}
    await browser.go(await browser.click_on(url, "nadia"))
    session_row = await the_session(doors, browser)
    value = browser.http.cookies["echeance_session"]
    assert value not in {session_row.session_hash, str(session_row.session_id)}


async def test_a_session_ends_at_the_server_when_one_signs_out(
    browser: Browser,
) -> None:
    await browser.sign_in("personne", "nadia")
    value = browser.http.cookies["echeance_session"]
    out = await browser.http.post(
        "/fr/deconnexion", data={"form_token": await browser.form_token()}
    )
    assert out.status_code == 200
    assert "/logout" in out.text
    assert "echeance_session" not in browser.http.cookies
    browser.http.cookies.set("echeance_session", value, domain="127.0.0.1")
    assert not await browser.is_signed_in()


@pytest.mark.parametrize(
    ("door", "subject"),
    [("personne", "nadia"), ("agence", "boreal"), ("office", "claire")],
)
async def test_a_session_ends_when_it_is_left_alone_or_has_lasted_long_enough(
    doors: Doors, browser: Browser, door: str, subject: str
) -> None:
    await browser.sign_in(door, subject)
    limits = LIMITS[(await the_session(doors, browser)).role]
    await make_older(doors, seen=limits.idle - MINUTE)
    assert await browser.is_signed_in()
    await make_older(doors, seen=limits.idle)
    assert not await browser.is_signed_in()
    # Once ended it stays so.
    await make_older(doors, seen=timedelta())
    assert not await browser.is_signed_in()

    await browser.sign_in(door, subject)
    await make_older(doors, begun=limits.absolute - MINUTE)
    assert await browser.is_signed_in()
    await make_older(doors, begun=limits.absolute, seen=timedelta())
    assert not await browser.is_signed_in()


async def test_one_may_stay_before_the_time_is_over(
    doors: Doors, browser: Browser
) -> None:
    await browser.sign_in("personne", "nadia")
    token = await browser.form_token()
    idle = LIMITS["representative"].idle
    await make_older(doors, seen=idle - MINUTE)
    answer = await browser.http.post(
        "/fr/session", data={"form_token": token, "retour": "/fr/sessions"}
    )
    assert answer.headers["location"] == "/fr/sessions"
    async with doors.parts.sessions() as session:
        age = await session.scalar(select(func.now() - Session.seen_at))
    assert age is not None
    assert age < MINUTE


async def test_each_sign_in_has_a_new_value(browser: Browser) -> None:
    await browser.sign_in("personne", "nadia")
    first = browser.http.cookies["echeance_session"]
    await browser.sign_in("personne", "nadia")
    assert browser.http.cookies["echeance_session"] != first


async def test_a_session_elsewhere_is_listed_and_ended_by_its_account_alone(
    doors: Doors, browser: Browser
) -> None:
    elsewhere, stranger = Browser(doors), Browser(doors)
    await elsewhere.sign_in("personne", "nadia")
    await browser.sign_in("personne", "nadia")
    await stranger.sign_in("personne", "marc")
    target = str((await the_session(doors, elsewhere)).session_id)

    page = await browser.go("/fr/sessions")
    assert page.text.count("session_id") == 2
    for who, still_open in ((stranger, True), (browser, False)):
        form = {"form_token": await who.form_token(), "session_id": target}
        assert (await who.http.post("/fr/sessions", data=form)).status_code == 303
        assert await elsewhere.is_signed_in() is still_open
    await elsewhere.close()
    await stranger.close()


@pytest.mark.parametrize("path", ["/fr/deconnexion", "/fr/session", "/fr/sessions"])
async def test_a_form_without_its_token_or_from_elsewhere_does_nothing(
    doors: Doors, browser: Browser, path: str
) -> None:
    await browser.sign_in("personne", "nadia")
    token = await browser.form_token()
    other = Browser(doors)
    await other.sign_in("personne", "nadia")
    session_id = str((await the_session(doors, browser)).session_id)
    theirs = {"session_id": session_id}
    for form, headers in (
        (theirs, {}),
        ({**theirs, "form_token": await other.form_token()}, {}),
        ({**theirs, "form_token": token}, {"Sec-Fetch-Site": "cross-site"}),
        ({**theirs, "form_token": token}, {"Origin": "https://elsewhere.example"}),
    ):
        answer = await browser.http.post(path, data=form, headers=headers)
        assert answer.status_code == 403, (form, headers)
        assert await browser.is_signed_in()
    await other.close()


def test_cookies_are_tied_to_this_host_where_it_is_reached_by_https() -> None:
    answer = Response()
    Cookies.at("https://echeance.example").keep_session(answer, "value")
    kept = answer.headers["set-cookie"]
    assert kept.startswith("__Host-echeance_session=value;")
    for flag in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert flag in kept
    assert "Domain" not in kept
    assert "Max-Age" not in kept


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("", None),
        ("?retour=/fr/mes-dossiers", "Ouvrez une session pour voir la page demandée"),
        ("?retour=/fr/nouveau-dossier?etape=verifier", "rien n'est envoyé"),
    ],
)
async def test_who_is_led_to_the_doors_is_told_why(
    doors: Doors, browser: Browser, wish: str, said: str | None
) -> None:
    before = unescape((await doors.ask("GET", f"/fr/connexion{wish}")).text)
    assert (said in before) if said else ('class="lead"' not in before)
    await browser.sign_in("agence", "boreal")
    after = unescape((await browser.go(f"/fr/connexion{wish}")).text)
    other = "ne s'ouvre pas avec le compte de Recouvrement Boréal inc."
    assert (other in after) is bool(wish)
    assert "inc.." not in after


async def test_pages_of_signing_in_exist_in_both_languages(doors: Doors) -> None:
    for language, title in (("fr", "Ouvrir une session"), ("en", "Sign in")):
        answer = await doors.ask("GET", f"/{language}/connexion")
        assert re.search(rf"<h1>\s*{title}\s*</h1>", answer.text)


async def test_the_stand_in_gives_nothing_for_a_code_twice_or_a_wrong_verifier(
    browser: Browser,
) -> None:
    url = await browser.sent_to_provider("personne")
    way_back = await browser.click_on(url, "nadia")
    code = asked_of_provider(f"http://x{way_back}")["code"]
    token_url = url.partition("/authorize")[0] + "/token"
    asked = asked_of_provider(url)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": asked["redirect_uri"],
        "code_verifier": "not the one",
    }
    client = ("echeance", "secret of personne")
    async with a_port(), httpx2.AsyncClient(trust_env=False) as provider:
        for _ in range(2):
            answer = await provider.post(token_url, data=form, auth=client)
            assert answer.status_code == 400
            assert answer.json() == {"error": "invalid_grant"}
