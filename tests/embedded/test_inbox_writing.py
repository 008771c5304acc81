"""Anybody writes to the intake from the inbox; a page elsewhere sends nothing."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from intake.reports import Fate
from intake.understanding import Nature
from tests.embedded.conftest import Inbox
from tests.embedded.correspondence import (
    LUCE,
    MESSAGE_ID,
    RETURN_PATH,
    StandIn,
    a_letter,
    send,
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
    assert understood.nature is Nature.REPORT
    assert understood.letter == MESSAGE_ID
    assert understood.fate is Fate.FAILED
    assert said("sent.next_report") in seen(confirmed)


async def test_a_delivery_can_be_confirmed_to_the_letters_own_return_path(
    inbox: Inbox, web: httpx2.AsyncClient, intake: StandIn
) -> None:
    path = await the_letter(inbox, web)
    await handed_in(web, f"{path}/delivered", {})
    taken = await intake.next()
    assert taken.rcpt_tos == [RETURN_PATH]
    assert b"Action: delivered" in (taken.original_content or b"")
    assert read(taken).nature is Nature.REPORT


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
