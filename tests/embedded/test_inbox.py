"""The mail catcher keeps before it says 250, and answers as a relay's log."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from aiosmtpd.smtp import Envelope

from embedded.catcher import Catcher
from embedded.inbox_pages.words import words
from embedded.letterbox import Letterbox
from embedded.ports import LOOPBACK, Ports
from embedded.stack import EmbeddedStack
from letters.wording import LANGUAGES
from tests.embedded.correspondence import LUCE, MESSAGE_ID, RETURN_PATH, a_letter, send


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[EmbeddedStack]:
    async with EmbeddedStack(tmp_path / "var", Ports.free(), ("inbox",)) as stack:
        yield stack


@pytest.fixture
async def own_web(stack: EmbeddedStack) -> AsyncIterator[httpx2.AsyncClient]:
    address = f"http://{LOOPBACK}:{stack.ports.inbox}"
    async with httpx2.AsyncClient(base_url=address, timeout=20) as client:
        yield client


async def test_an_empty_box_says_how_letters_come(own_web: httpx2.AsyncClient) -> None:
    for language in LANGUAGES:
        answer = await own_web.get(f"/{language}")
        assert words()["list.empty"][language] in answer.text


async def test_a_letter_taken_is_on_the_disk_and_found_again_after_a_kill(
    stack: EmbeddedStack, own_web: httpx2.AsyncClient
) -> None:
    send(stack.ports.smtp, a_letter("Premier"))
    stack.kill("inbox")
    await stack.wait_ready("inbox")
    send(stack.ports.smtp, a_letter("Second", html="<p>Renouvelez</p>"))
    listed = (await own_web.get("/api/messages")).json()
    assert [one["subject"] for one in listed] == ["Premier", "Second"]
    assert listed[0] == {
        "id": listed[0]["id"],
        "message_id": MESSAGE_ID,
        "to": [LUCE],
        "from": RETURN_PATH,
        "return_path": RETURN_PATH,
        "subject": "Premier",
        "date": "Mon, 09 Nov 2026 09:00:00 -0500",
        "received_at": listed[0]["received_at"],
        "text": "Renouvelez d'ici là.\n",
        "html": None,
        "attachments": [],
    }
    assert listed[1]["html"] == "<p>Renouvelez</p>\n"
    second = await own_web.get(f"/api/messages/{listed[1]['id']}")
    assert second.json() == listed[1]
    after = await own_web.get("/api/messages", params={"after": listed[0]["id"]})
    assert after.json() == listed[1:]
    assert (await own_web.get("/api/messages/nothing")).status_code == 404


async def test_attachments_are_named_with_their_kind_and_size(
    stack: EmbeddedStack, own_web: httpx2.AsyncClient
) -> None:
    letter = a_letter()
    letter.add_attachment(
        b"%PDF-1.7 ...", maintype="application", subtype="pdf", filename="été.pdf"
    )
    send(stack.ports.smtp, letter)
    [told] = (await own_web.get("/api/messages")).json()
    assert told["attachments"] == [{"name": "été.pdf", "kind": "pdf", "size": 12}]


async def test_the_relay_log_knows_what_was_taken_and_nothing_else(
    stack: EmbeddedStack, own_web: httpx2.AsyncClient
) -> None:
    send(stack.ports.smtp, a_letter(message_id="<a/b+c=@echeance.example>"))
    for asked in (
        "<a/b+c=@echeance.example>",
        "%3Ca%2Fb%2Bc%3D%40echeance.example%3E",
        "a/b+c=@echeance.example",
    ):
        answer = await own_web.get(f"/api/log/{asked}")
        assert answer.status_code == 200, asked
        assert answer.json()["to"] == [LUCE]
    assert (await own_web.get("/api/log/<other@echeance.example>")).status_code == 404


async def test_the_relay_log_answers_while_every_letter_is_being_read(
    stack: EmbeddedStack, own_web: httpx2.AsyncClient
) -> None:
    many = [a_letter(message_id=f"<{number}@x.example>") for number in range(150)]
    send(stack.ports.smtp, *many)
    reading_all = asyncio.create_task(own_web.get("/api/messages"))
    answer = await own_web.get("/api/log/<149@x.example>")
    assert answer.status_code == 200
    assert not reading_all.done()
    assert len((await reading_all).json()) == 150


async def test_a_page_of_another_site_cannot_read_the_box(
    own_web: httpx2.AsyncClient,
) -> None:
    answer = await own_web.get("/api/messages", headers={"Host": "evil.example"})
    assert answer.status_code == 400


async def test_a_letter_that_cannot_be_kept_is_not_acknowledged(
    tmp_path: Path,
) -> None:
    box = Letterbox(tmp_path / "box")
    box.folder.rmdir()
    envelope = Envelope()
    envelope.mail_from, envelope.rcpt_tos = "a@x.example", ["b@x.example"]
    envelope.original_content = bytes(a_letter())
    answer = await Catcher(box).handle_DATA(None, None, envelope)  # type: ignore[arg-type]  # neither is used
    assert answer.startswith("451")
    assert list(box.letters()) == []
