"""The mail catcher keeps before it says 250, and answers as a relay's log."""

import smtplib
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import httpx2
import pytest
from aiosmtpd.smtp import Envelope

from embedded.inbox import Catcher
from embedded.inbox_pages import WORDS
from embedded.letterbox import Letterbox
from embedded.ports import LOOPBACK, Ports
from embedded.stack import EmbeddedStack


def a_letter(subject: str = "Dernier jour : le 23 novembre") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "infocertificat@echeance.example"
    message["To"] = "luce.tremblay@courriel.example"
    message["Subject"] = subject
    message["Message-ID"] = "<a/b+c=@echeance.example>"
    message["Date"] = "Tue, 24 Nov 2026 09:00:00 -0500"
    message.set_content("Renouvelez d'ici là.\n")
    return message


def send(ports: Ports, message: EmailMessage) -> None:
    with smtplib.SMTP(LOOPBACK, ports.smtp, timeout=10) as client:
        client.send_message(message)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[EmbeddedStack]:
    async with EmbeddedStack(tmp_path / "var", Ports.free(), ("inbox",)) as stack:
        yield stack


@pytest.fixture
def web(stack: EmbeddedStack) -> httpx2.Client:
    return httpx2.Client(base_url=f"http://{LOOPBACK}:{stack.ports.inbox}")


async def test_a_letter_taken_is_on_the_disk_and_found_again_after_a_kill(
    stack: EmbeddedStack, web: httpx2.Client
) -> None:
    send(stack.ports, a_letter("Premier"))
    stack.kill("inbox")
    await stack.wait_ready("inbox")
    send(stack.ports, a_letter("Second"))
    with web:
        listed = web.get("/api/messages").json()
        assert [one["subject"] for one in listed] == ["Premier", "Second"]
        assert listed[0] == {
            "id": listed[0]["id"],
            "message_id": "<a/b+c=@echeance.example>",
            "to": ["luce.tremblay@courriel.example"],
            "from": "infocertificat@echeance.example",
            "subject": "Premier",
            "date": "Tue, 24 Nov 2026 09:00:00 -0500",
            "received_at": listed[0]["received_at"],
            "text": "Renouvelez d'ici là.\n",
        }
        assert web.get(f"/api/messages/{listed[1]['id']}").json() == listed[1]
        after = web.get("/api/messages", params={"after": listed[0]["id"]}).json()
        assert after == listed[1:]
        assert web.get("/api/messages/nothing").status_code == 404


async def test_the_relay_log_knows_what_was_taken_and_nothing_else(
    stack: EmbeddedStack, web: httpx2.Client
) -> None:
    send(stack.ports, a_letter())
    with web:
        for asked in (
            "<a/b+c=@echeance.example>",
            "%3Ca%2Fb%2Bc%3D%40echeance.example%3E",
            "a/b+c=@echeance.example",
        ):
            answer = web.get(f"/api/log/{asked}")
            assert answer.status_code == 200, asked
            assert answer.json()["to"] == ["luce.tremblay@courriel.example"]
        assert web.get("/api/log/<other@echeance.example>").status_code == 404


async def test_the_pages_speak_both_languages_and_show_letters_as_text(
    stack: EmbeddedStack, web: httpx2.Client
) -> None:
    with web:
        assert WORDS["fr"]["empty"] in web.get("/fr").text
        send(stack.ports, a_letter("<script>alert(1)</script>"))
        listed = web.get("/fr").text
        assert "&lt;script&gt;" in listed
        assert "<script>" not in listed
        letter_id = web.get("/api/messages").json()[0]["id"]
        english = web.get(f"/en/{letter_id}")
        assert 'lang="en-CA"' in english.text
        assert f'href="/fr/{letter_id}"' in english.text
        assert "Renouvelez" in english.text
        assert "Message-ID" in web.get(f"/fr/{letter_id}/source").text
        assert web.get("/fr/nothing").status_code == 404
        assert web.get("/de").status_code == 404
        start = web.get("/", headers={"Accept-Language": "en-CA"})
        assert start.headers["location"] == "/en"


async def test_a_page_of_another_site_cannot_read_the_box(web: httpx2.Client) -> None:
    with web:
        answer = web.get("/api/messages", headers={"Host": "evil.example"})
        assert answer.status_code == 400


async def test_a_letter_that_cannot_be_kept_is_not_acknowledged(
    tmp_path: Path,
) -> None:
    box = Letterbox(tmp_path / "box")
    (tmp_path / "box").rmdir()
    envelope = Envelope()
    envelope.mail_from, envelope.rcpt_tos = "a@x.example", ["b@x.example"]
    envelope.original_content = bytes(a_letter())
    answer = await Catcher(box).handle_DATA(None, None, envelope)  # type: ignore[arg-type]  # neither is used
    assert answer.startswith("451")
    assert list(box.letters()) == []


async def test_letters_keep_their_order_and_their_oddities(tmp_path: Path) -> None:
    box = Letterbox(tmp_path)
    contents = [b"Subject: %d\r\n\r\nx\r\n" % number for number in range(20)]
    for content in contents:
        await box.keep(content, sender="", recipients=("b@x.example",))
    odd = b"Content-Type: text/plain; charset=nowhere\r\n\r\n\xff\xe9\r\n"
    last = await box.keep(odd, sender="a@x.example", recipients=())
    (tmp_path / ".unfinished.part").write_bytes(b"half")
    again = Letterbox(tmp_path)
    assert [letter.subject for letter in again.letters()][:20] == [
        str(number) for number in range(20)
    ]
    assert "\ufffd" in again.text(last.id)
    assert again.letter(last.id) == last
    assert not (tmp_path / ".unfinished.part").exists()
    assert last.received_at.timestamp() <= time.time()
