"""What is written is never lost: on Back, in the other language, after a session."""

from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import httpx2
import pytest
from sqlalchemy import func, select, update

from api.signin.cookies import form_token_of
from records.drafts import KEPT_FOR, DraftRow, draft_of, keep_draft
from records.looks import looks_of
from records.models import DossierRow
from records.sessions import Session
from tests.api.doors import Doors
from tests.api.knocking import LETTER, TASK, furnish
from tests.api.providers import Browser
from tests.api.reading import read
from tests.dossiers import HOLDER

FORM = "/nouveau-dossier"
ALEX = {"nom": "Alex Morin", "courriel": "alex@courriel.example", "langue": "fr"}
KEY = "abcd1234"


@pytest.fixture
async def alex(lobby: Doors) -> AsyncIterator[Browser]:
    browser = Browser(lobby)
    await browser.sign_in("personne", "alex")
    yield browser
    await browser.close()


async def posted(
    browser: Browser, token: str, step: str, *, language: str = "fr", **answers: str
) -> httpx2.Response:
    """Send the form as it stands in a page whose token is known."""
    form = {"form_token": token, "step": step, "key": KEY, **ALEX, **answers}
    same = {"sec-fetch-site": "same-origin"}
    return await browser.http.post(f"/{language}{FORM}", data=form, headers=same)


async def left_alone(doors: Doors, browser: Browser) -> None:
    """Let a session's time run out, as if nobody had used it for long."""
    async with doors.parts.sessions.begin() as session:
        await session.execute(
            update(Session)
            .where(Session.session_hash == browser.session_hash)
            .values(seen_at=func.now() - timedelta(hours=2))
        )


async def how_many_dossiers(doors: Doors) -> int:
    async with doors.parts.sessions() as session:
        return await session.scalar(select(func.count(DossierRow.number))) or 0


async def test_each_page_of_a_form_can_be_asked_for_again_and_in_the_other_language(
    lobby: Doors, alex: Browser
) -> None:
    token = await alex.form_token()
    checks = await posted(alex, token, "check")
    assert checks.status_code == 303
    address = checks.headers["location"]
    for shown in (address, address, address.replace("/fr/", "/en/")):
        page = await alex.go(shown)
        assert page.status_code == 200
        assert ALEX["courriel"] in page.text
        assert f'value="{KEY}"' in page.text
    # Back, to the form: the answers are there, and it says since when.
    form = await alex.go(f"/fr{FORM}")
    assert f'value="{ALEX["courriel"]}"' in form.text
    assert "Rien n'est envoyé" in unescape(read(form, "fr").texts["main"][0])
    # In the middle of the form: the switch takes along what is not sent yet.
    assert f'formaction="/en{FORM}"' in form.text
    switched = await posted(alex, token, "write", language="en", nom="A. Morin")
    assert switched.headers["location"] == f"/en{FORM}"
    assert 'value="A. Morin"' in (await alex.go(f"/en{FORM}")).text

    sent = await posted(alex, token, "send")
    assert "fait=opened" in sent.headers["location"]
    # Back, once it is sent: what was done, not an empty form to send anew.
    assert (await alex.go(address)).headers["location"] == sent.headers["location"]
    blank = await alex.go(f"/fr{FORM}")
    assert ALEX["courriel"] not in blank.text
    assert await how_many_dossiers(lobby) == 1


async def test_a_form_is_saved_and_found_on_another_device_until_its_time_is_over(
    lobby: Doors, alex: Browser
) -> None:
    kept = await posted(alex, await alex.form_token(), "keep", courriel="al")
    assert kept.headers["location"] == f"/fr{FORM}?etape=garde"
    page = read(await alex.go(kept.headers["location"]), "fr")
    assert "Vos réponses sont gardées" in unescape(page.texts["main"][0])

    elsewhere = Browser(lobby)
    await elsewhere.sign_in("personne", "alex")
    mine = await elsewhere.go("/fr/mes-dossiers")
    assert f'href="/fr{FORM}"' in mine.text
    assert "Continuer ce que vous avez commencé" in unescape(mine.text)
    assert 'value="al"' in (await elsewhere.go(f"/fr{FORM}")).text

    await posted(alex, await alex.form_token(), "forget")
    assert 'value="al"' not in (await elsewhere.go(f"/fr{FORM}")).text
    await posted(alex, await alex.form_token(), "keep", courriel="al")

    stranger = Browser(lobby)
    await stranger.sign_in("personne", "marc")
    assert 'value="al"' not in (await stranger.go(f"/fr{FORM}")).text

    async with lobby.parts.sessions.begin() as session:
        too_old = func.now() - KEPT_FOR
        await session.execute(update(DraftRow).values(kept_at=too_old))
    assert 'value="al"' not in (await elsewhere.go(f"/fr{FORM}")).text
    async with lobby.parts.sessions.begin() as session:
        await keep_draft(session, "person:marc", "/reprendre", KEY, {})
        assert await session.scalar(select(func.count(DraftRow.account))) == 1
    await stranger.close()
    await elsewhere.close()


async def test_what_is_sent_after_the_session_ended_is_found_after_signing_in(
    lobby: Doors, alex: Browser
) -> None:
    token = await alex.form_token()
    await left_alone(lobby, alex)
    led = await posted(alex, token, "send", nom="Alex M.")
    assert led.headers["location"].startswith("/fr/connexion?retour=")
    assert await how_many_dossiers(lobby) == 0
    back = await alex.sign_in("personne", "alex", f"/fr{FORM}?etape=verifier")
    page = await alex.go(back.headers["location"])
    assert "Alex M." in page.text
    assert (
        "retour=%2Ffr%2Fnouveau-dossier%3Fetape%3Dverifier" in led.headers["location"]
    )
    assert await how_many_dossiers(lobby) == 0


async def test_a_page_of_the_session_before_is_taken_up_by_ones_own_next_session(
    lobby: Doors, alex: Browser
) -> None:
    before = await alex.form_token()
    await alex.sign_in("personne", "alex")
    led = await posted(alex, before, "send")
    assert led.headers["location"] == f"/fr{FORM}?etape=verifier"
    assert ALEX["courriel"] in (await alex.go(led.headers["location"])).text
    assert await how_many_dossiers(lobby) == 0

    # Of somebody else's session nothing is taken up.
    await alex.sign_in("personne", "marc")
    refused = await posted(alex, before, "send")
    assert refused.status_code == 403
    async with lobby.parts.sessions() as session:
        assert await draft_of(session, "person:marc", FORM) is None


async def test_nothing_is_kept_for_who_was_not_there(
    lobby: Doors, alex: Browser
) -> None:
    token = await alex.form_token()
    form = {"form_token": token, "step": "keep", "key": KEY, **ALEX}
    foreign = await alex.http.post(
        f"/fr{FORM}", data=form, headers={"sec-fetch-site": "cross-site"}
    )
    assert foreign.status_code == 403
    # A session that its owner ended; then one that never was.
    await alex.http.post("/fr/deconnexion", data={"form_token": token})
    for told in (token, form_token_of("a value nobody was given")):
        led = await posted(alex, told, "send")
        assert "/fr/connexion" in led.headers["location"]
    async with lobby.parts.sessions() as session:
        assert await draft_of(session, "person:alex", FORM) is None


async def test_the_officers_reasons_wait_for_them_and_their_looks_are_noted(
    lobby: Doors,
) -> None:
    await furnish(lobby)
    claire = Browser(lobby)
    await claire.sign_in("office", "claire")
    task = f"/en/bureau/tache/{TASK}"
    await claire.send(task, step="keep", key=KEY, texte="Ce certificat est inconnu.")
    assert "Ce certificat est inconnu." in (await claire.go(task)).text
    await claire.go(f"/fr/dossier/{HOLDER}")
    await claire.http.get(f"/fr/bureau/dossier/{HOLDER}/lettre", params={"key": LETTER})
    await lobby.get(f"/api/v1/dossiers/{HOLDER}", "officer")
    dossier = await claire.go(f"/fr/bureau/dossier/{HOLDER}")
    looks = unescape(dossier.text).partition("Qui a consulté ce dossier")[2]
    for what in ("Le dossier", "Une lettre", "Une tâche", "Par l'interface"):
        assert what in looks, what
    assert "Claire" in looks
    async with lobby.parts.sessions() as session:
        before = len(await looks_of(session, HOLDER, limit=100))
    nadia = Browser(lobby)
    await nadia.sign_in("personne", "nadia")
    assert (await nadia.go(f"/fr/dossier/{HOLDER}")).status_code == 200
    async with lobby.parts.sessions() as session:
        assert len(await looks_of(session, HOLDER, limit=100)) == before
    await nadia.close()
    await claire.close()
