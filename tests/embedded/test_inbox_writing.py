"""Who reads a letter can answer it: straight into the intake, which says the rest."""

import re
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

import httpx2
import pytest
from aiosmtpd.smtp import Envelope

from embedded.inbox_pages.words import words
from intake.arrival import House
from intake.understanding import Nature, Understood, Wish, understand
from tests.embedded.conftest import Inbox
from tests.embedded.correspondence import (
    DOSSIER,
    INTAKE_ADDRESS,
    LUCE,
    MESSAGE_ID,
    RETURN_PATH,
    StandIn,
    a_letter,
    send,
)

HOUSE = House(INTAKE_ADDRESS)
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
EXPIRED, NEW = "CAR202400012345", "CAR202600054321"


async def the_letter(
    inbox: Inbox, web: httpx2.AsyncClient, letter: EmailMessage | None = None
) -> str:
    """Have a letter in the inbox; return the path of its page."""
    send(inbox.smtp, letter or a_letter())
    *_, told = (await web.get("/api/messages")).json()
    return f"/fr/{told['id']}"


def a_reply(**changed: str) -> dict[str, str]:
    reply = {"from": LUCE, "subject": "Re: dernier jour", "text": "Bonjour\r\nLuce"}
    return {**reply, **changed}


async def handed_in(
    web: httpx2.AsyncClient, path: str, form: dict[str, str]
) -> httpx2.Response:
    answer = await web.post(path, data=form, headers=OWN_PAGE)
    assert answer.status_code == 303, answer.text
    return await web.get(answer.headers["location"])


def seen(answer: httpx2.Response) -> str:
    return unescape(answer.text).replace("\u00a0", " ")


def said(key: str, language: str = "fr") -> str:
    return words()[key][language].replace("\u00a0", " ")


def message_of(envelope: Envelope) -> EmailMessage:
    message = message_from_bytes(
        envelope.original_content or b"", policy=policy.default
    )
    assert isinstance(message, EmailMessage)
    return message


def read(envelope: Envelope) -> Understood:
    return understand(envelope.original_content or b"", HOUSE)


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


# --------------------------------------------------------------------- a message anew


async def test_anybody_may_write_anew(web: httpx2.AsyncClient, intake: StandIn) -> None:
    form = {"from": " marc@x.example ", "subject": "Question", "text": "Où?"}
    confirmed = await handed_in(web, "/en/write", form)
    taken = await intake.next()
    assert taken.mail_from == "marc@x.example"
    assert message_of(taken)["Subject"] == "Question"
    assert message_of(taken)["In-Reply-To"] is None
    assert said("sent.title", "en") in seen(confirmed)


async def test_a_wrong_address_is_said_at_its_field_and_nothing_else_is_lost(
    web: httpx2.AsyncClient, intake: StandIn
) -> None:
    for wrong in ("", "marc", "Marc <marc@x.example>", "a@x.example\r\nBcc: b@x.ca"):
        form = {"from": wrong, "subject": "Question", "text": "Où?"}
        answer = await web.post("/fr/write", data=form, headers=OWN_PAGE)
        assert answer.status_code == 422
        assert 'href="#from"' in seen(answer)
        assert "Où?" in seen(answer)
        assert 'href="/en/write"' in seen(answer)
    assert intake.is_empty


async def test_the_people_who_got_letters_are_offered(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    await the_letter(inbox, web)
    form = seen(await web.get(f"/fr/write?as={LUCE}&example=cancel"))
    assert f'<option value="{LUCE}">' in form
    assert f'value="{LUCE}"' in form
    assert said("example.cancel_subject") in form


async def test_a_file_goes_byte_by_byte_its_line_ends_apart(
    web: httpx2.AsyncClient, intake: StandIn
) -> None:
    raw = (
        b"From: Marc <marc@x.example>\nSubject: =?utf-8?q?=C3=A9t=C3=A9?=\n\n\xff.\n.\n"
    )
    answer = await web.post(
        "/fr/write/file", files={"file": ("a.eml", raw)}, headers=OWN_PAGE
    )
    assert answer.status_code == 303
    taken = await intake.next()
    assert taken.mail_from == "marc@x.example"
    assert taken.original_content == raw.replace(b"\n", b"\r\n")
    assert "été" in seen(await web.get(answer.headers["location"]))


@pytest.mark.parametrize("raw", [b"", b" \r\n"])
async def test_an_empty_file_is_not_sent(
    web: httpx2.AsyncClient, intake: StandIn, raw: bytes
) -> None:
    answer = await web.post(
        "/fr/write/file", files={"file": ("a.eml", raw)}, headers=OWN_PAGE
    )
    assert answer.status_code == 422
    assert said("write.file_wrong") in seen(answer)
    assert intake.is_empty


# ------------------------------------------------------------------ as the mail server


async def test_a_letter_can_be_made_to_come_back_to_its_own_return_path(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    path = await the_letter(inbox, web)
    confirmed = await handed_in(web, f"{path}/back", {})
    taken = await intake.next()
    assert (taken.mail_from, taken.rcpt_tos) == ("<>", [RETURN_PATH])
    understood = read(taken)
    assert understood.nature is Nature.BOUNCE
    assert understood.bounced_message_id == MESSAGE_ID
    assert understood.bounce_permanent is True
    assert said("sent.next_report") in seen(confirmed)


async def test_a_delivery_can_be_confirmed_to_the_letters_own_return_path(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    path = await the_letter(inbox, web)
    await handed_in(web, f"{path}/delivered", {})
    taken = await intake.next()
    assert taken.rcpt_tos == [RETURN_PATH]
    assert b"Action: delivered" in (taken.original_content or b"")
    assert read(taken).nature is Nature.AUTO_REPLY


async def test_a_report_that_is_not_kept_is_said_on_the_letters_page(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    path = await the_letter(inbox, web)
    intake.to_recipients = "550 5.1.1 Nobody here bears this address"
    answer = await web.post(f"{path}/back", headers=OWN_PAGE)
    assert answer.status_code == 422
    assert intake.to_recipients in seen(answer)
    assert f'href="{path.replace("/fr", "/en")}"' in seen(answer)


async def test_nothing_can_come_back_to_a_letter_without_a_return_path(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    send(inbox.smtp, a_letter(), return_path="")
    *_, told = (await web.get("/api/messages")).json()
    assert told["return_path"] == ""
    path = f"/fr/{told['id']}"
    assert said("letter.no_return") in seen(await web.get(path))
    answer = await web.post(f"{path}/back", headers=OWN_PAGE)
    assert answer.status_code == 404
    assert intake.is_empty


# ------------------------------------------------------------- who may send, how much


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, 403),
        ({"Origin": "{own}"}, 303),
        ({}, 303),
        ({"Host": "evil.example"}, 400),
    ],
)
async def test_a_form_of_another_page_sends_nothing(
    inbox: Inbox,
    web: httpx2.AsyncClient,
    intake: StandIn,
    headers: dict[str, str],
    code: int,
) -> None:
    given = {name: value.format(own=inbox.url) for name, value in headers.items()}
    path = await the_letter(inbox, web)
    for form in (f"{path}/reply", "/fr/write", f"{path}/back"):
        answer = await web.post(form, data=a_reply(), headers=given)
        assert answer.status_code == code, form
    assert intake.is_empty is (code != 303)


async def test_too_much_is_not_even_read(
    web: httpx2.AsyncClient, intake: StandIn
) -> None:
    large = {"from": LUCE, "subject": "x", "text": "x" * 300_000}
    answer = await web.post("/fr/write", data=large, headers=OWN_PAGE)
    assert answer.status_code == 413
    assert said("sorry.too_large") in seen(answer)
    file = {"file": ("a.eml", b"x" * 10_020_000)}
    answer = await web.post("/fr/write/file", files=file, headers=OWN_PAGE)
    assert answer.status_code == 413
    assert intake.is_empty


async def test_what_is_no_form_sends_nothing(
    web: httpx2.AsyncClient, intake: StandIn
) -> None:
    broken = {**OWN_PAGE, "Content-Type": "multipart/form-data; boundary=x"}
    answer = await web.post("/fr/write/file", content=b"--y\r\n", headers=broken)
    assert answer.status_code in {400, 422}

    async def chunks() -> AsyncIterator[bytes]:
        yield b"from=a"

    form = {**OWN_PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await web.post("/fr/write", content=chunks(), headers=form)
    assert answer.status_code == 411
    assert intake.is_empty
