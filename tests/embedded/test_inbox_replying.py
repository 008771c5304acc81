"""Who reads a letter can answer it: straight into the intake, which says the rest."""

import re

import httpx2
import pytest

from intake.understanding import Nature, Wish
from tests.embedded.conftest import Inbox
from tests.embedded.correspondence import (
    DOSSIER,
    INTAKE_ADDRESS,
    LUCE,
    MESSAGE_ID,
    StandIn,
    a_letter,
)
from tests.embedded.forms_filled import (
    OWN_PAGE,
    a_reply,
    handed_in,
    message_of,
    read,
    said,
    seen,
    the_letter,
)

# ----------------------------------------------------------------- answers to a letter


async def test_a_reply_goes_to_the_intake_in_the_thread_of_its_letter(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    letter = a_letter()
    letter["References"] = "<first@echeance.example>"
    path = await the_letter(inbox, web, letter)
    confirmed = await handed_in(web, f"{path}/reply", a_reply())
    taken = await intake.next()
    assert taken.mail_from == LUCE
    assert taken.rcpt_tos == [INTAKE_ADDRESS]
    message = message_of(taken)
    assert message["From"] == LUCE
    assert message["Subject"] == "Re: dernier jour"
    assert message["In-Reply-To"] == MESSAGE_ID
    assert message["References"] == f"<first@echeance.example> {MESSAGE_ID}"
    assert message["Message-ID"].endswith("@courriel.example>")
    assert message["Auto-Submitted"] is None
    assert message.get_content().splitlines() == ["Bonjour", "Luce"]
    assert confirmed.status_code == 200
    assert "250 2.0.0 Kept as 4f2a" in seen(confirmed)
    assert "Bonjour\nLuce" in seen(confirmed)
    assert f"/fr?to={LUCE.replace('@', '%40')}" in seen(confirmed)


async def test_the_form_begins_with_the_letters_own_facts(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    path = await the_letter(inbox, web)
    form = seen(await web.get(f"{path}/reply"))
    assert f'value="Re: Dossier {DOSSIER} : dernier jour"' in form
    assert f"<option selected>{LUCE}</option>" in form
    assert INTAKE_ADDRESS in form


async def test_a_quoted_letter_stands_below_the_reply_as_a_quotation(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    path = await the_letter(inbox, web)
    await handed_in(web, f"{path}/reply", a_reply(text="D'accord", quotes="1"))
    taken = await intake.next()
    assert message_of(taken).get_content().splitlines() == [
        "D'accord",
        "",
        f"Le lundi 9 novembre 2026 à 9\u00a0h\u00a000, {INTAKE_ADDRESS} a écrit\u00a0:",
        "> Renouvelez d'ici là.",
    ]
    assert read(taken).text == "D'accord"


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_example_of_a_transfer_is_understood_once_it_is_filled_in(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn, language: str
) -> None:
    letter = a_letter(f"Dossier {EXPIRED} : certificat expiré", notice="expired")
    path = (await the_letter(inbox, web, letter)).replace("/fr/", f"/{language}/")
    form = seen(await web.get(f"{path}/reply?example=transfer"))
    [text] = re.findall(r"<textarea[^>]*>\n?(.*?)</textarea>", form, re.DOTALL)
    assert text.count("CAR____________") == 1
    assert EXPIRED in text
    filled = text.replace("CAR____________", NEW)
    await handed_in(web, f"{path}/reply", a_reply(text=filled))
    understood = read(await intake.next())
    assert understood.wish is Wish.TRANSFER
    assert understood.new_dossier == NEW
    assert understood.expired_certificate == EXPIRED
    assert understood.in_reply_to == (MESSAGE_ID,)


@pytest.mark.parametrize(
    ("name", "wish"), [("cancel", Wish.CANCEL), ("disagree", Wish.OBSERVATIONS)]
)
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_other_examples_ask_for_what_they_are_named_after(
    inbox: Inbox,
    web: httpx2.AsyncClient,
    intake: StandIn,
    language: str,
    name: str,
    wish: Wish,
) -> None:
    path = (await the_letter(inbox, web)).replace("/fr/", f"/{language}/")
    form = seen(await web.get(f"{path}/reply?example={name}"))
    [text] = re.findall(r"<textarea[^>]*>\n?(.*?)</textarea>", form, re.DOTALL)
    assert DOSSIER in text
    await handed_in(web, f"{path}/reply", a_reply(text=text))
    understood = read(await intake.next())
    assert understood.wish is wish
    assert understood.numbers == (DOSSIER,)


async def test_the_robot_is_a_robot_to_the_intake(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    path = await the_letter(inbox, web)
    form = seen(await web.get(f"{path}/reply?example=robot"))
    assert 'name="robot" value="1" checked' in form
    assert 'name="quotes" value="1" checked' not in form
    await handed_in(web, f"{path}/reply", a_reply(text="Absente", robot="1"))
    taken = await intake.next()
    assert taken.mail_from == "<>"
    assert message_of(taken)["Auto-Submitted"] == "auto-replied"
    assert read(taken).nature is Nature.AUTO_REPLY


async def test_only_a_person_who_got_the_letter_answers_it(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    path = await the_letter(inbox, web)
    form = a_reply(**{"from": "other@courriel.example"})
    answer = await web.post(f"{path}/reply", data=form, headers=OWN_PAGE)
    assert answer.status_code == 422
    assert said("write.from_wrong") in seen(answer)
    assert intake.is_empty


async def test_no_field_can_add_a_header_or_a_recipient(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    path = await the_letter(inbox, web, a_letter(message_id="<a@x.example> Bcc: <b>"))
    for subject in ("x\r\nBcc: c@x.example", "=?utf-8?q?x=0D=0ABcc:_c@x.example?="):
        await handed_in(web, f"{path}/reply", a_reply(subject=subject))
        taken = await intake.next()
        assert taken.rcpt_tos == [INTAKE_ADDRESS]
        assert message_of(taken)["Bcc"] is None
        assert message_of(taken)["In-Reply-To"] == "<a@x.example>"


EXPIRED, NEW = "CAR202400012345", "CAR202600054321"


# ---------------------------------------------------------------- what the intake says


@pytest.mark.parametrize(
    ("told", "code", "key"),
    [
        ("451 4.3.0 The letter could not be kept", 503, "write.again"),
        ("554 5.6.0 Not wanted", 422, "write.refused"),
    ],
)
async def test_a_message_that_is_not_kept_stays_in_its_form(
    inbox: Inbox,
    web: httpx2.AsyncClient,
    intake: StandIn,
    told: str,
    code: int,
    key: str,
) -> None:
    path = await the_letter(inbox, web)
    intake.answer = told
    form = a_reply(text="Un long <texte>", quotes="1")
    answer = await web.post(f"{path}/reply", data=form, headers=OWN_PAGE)
    assert answer.status_code == code
    assert said(key) in seen(answer)
    assert told in seen(answer)
    assert "Un long <texte>" in seen(answer)
    assert "Erreur :" in seen(answer)
    assert 'name="quotes" value="1" checked' in seen(answer)
    assert f'href="{path.replace("/fr", "/en")}/reply"' in seen(answer)


async def test_a_recipient_the_intake_does_not_know_is_said(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    path = await the_letter(inbox, web)
    intake.to_recipients = "550 5.1.1 Nobody here bears this address"
    answer = await web.post(f"{path}/reply", data=a_reply(), headers=OWN_PAGE)
    assert answer.status_code == 422
    assert intake.to_recipients in seen(answer)
    assert intake.is_empty


async def test_an_intake_that_is_away_loses_no_text(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    path = await the_letter(inbox, web)
    answer = await web.post(f"{path}/reply", data=a_reply(), headers=OWN_PAGE)
    assert answer.status_code == 503
    assert said("write.silent") in seen(answer)
    assert "Bonjour" in seen(answer)
