"""Mail that a provider posts: believed by its signature, kept once, nothing told."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook

from api.app import create_app
from intake.arrival import MOST_BYTES
from records.models import FactRow, Letter, Mail, TaskRow
from tests.api.doors import (
    MAIL_KEY,
    NEXT_MAIL_KEY,
    SECRET,
    Doors,
    knocking_at,
    open_doors,
    the_settings,
)
from tests.intake.writing import BOTH, Listening, a_letter, marc_came_back

DOOR = "/api/v1/mail"


def posted(
    raw: bytes, *, key: str = MAIL_KEY, message_id: str = "msg_1", seconds_ago: int = 0
) -> dict[str, str]:
    """The headers of a signed message (Standard Webhooks)."""
    at = str(int(time.time()) - seconds_ago)
    secret = base64.b64decode(key.removeprefix("whsec_"))
    digest = hmac.new(secret, f"{message_id}.{at}.".encode() + raw, hashlib.sha256)
    return {
        "content-type": "message/rfc822",
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest.digest()).decode()}",
    }


async def post(doors: Doors, raw: bytes, **headers: str) -> httpx2.Response:
    return await doors.ask("POST", DOOR, content=raw, headers=posted(raw) | headers)


async def test_a_signed_message_is_kept_and_nothing_is_said_of_what_it_means(
    away: Doors,
) -> None:
    await marc_came_back(away.office)

    answer = await post(away, a_letter(BOTH))

    [mail] = await away.office.rows(Mail)
    assert (answer.status_code, answer.json()) == (200, {"mail_id": mail.mail_id})
    assert (mail.door, mail.outcome, mail.raw) == ("webhook", "fact", a_letter(BOTH))
    assert len(await away.office.rows(FactRow)) == 1


async def test_a_message_of_any_kind_has_an_answer_of_the_same_shape(
    away: Doors,
) -> None:
    messages = (
        a_letter("Bonjour"),
        a_letter(BOTH, Auto_Submitted="auto-replied"),
        b"",
        b"\xff\xfe \0 Je veux annuler",
        b"Received: from a.example\n" * 40 + a_letter("Boucle", Precedence="bulk"),
    )
    for raw in messages:
        answer = await post(away, raw)
        assert (answer.status_code, set(answer.json())) == (200, {"mail_id"})

    assert {mail.raw for mail in await away.office.rows(Mail)} == set(messages)
    assert await away.office.rows(Letter) == []


async def test_a_message_posted_again_has_the_same_answer_and_is_one_fact(
    away: Doors,
) -> None:
    await marc_came_back(away.office)

    answers = [
        await post(away, raw)
        for raw in (a_letter(BOTH), a_letter(BOTH), b"X-Trace: 2\n" + a_letter(BOTH))
    ]

    assert len({answer.text for answer in answers}) == 1
    [mail] = await away.office.rows(Mail)
    assert mail.copies == 3
    assert len(await away.office.rows(FactRow)) == 1


async def test_many_posts_of_one_message_at_one_moment_are_one_fact(
    away: Doors,
) -> None:
    await marc_came_back(away.office)

    answers = await asyncio.gather(
        *(post(away, b"X-Trace: %d\n" % n + a_letter(BOTH)) for n in range(25))
    )

    assert {answer.status_code for answer in answers} == {200}
    assert [mail.copies for mail in await away.office.rows(Mail)] == [25]
    assert len(await away.office.rows(FactRow)) == 1


async def test_what_the_library_signs_is_believed(away: Doors) -> None:
    raw, at = a_letter("Échéance"), datetime.now(UTC)
    headers = posted(raw) | {
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(MAIL_KEY).sign("msg_1", at, raw.decode()),
    }

    answer = await away.ask("POST", DOOR, content=raw, headers=headers)

    assert answer.status_code == 200


@pytest.mark.parametrize("key", [MAIL_KEY, NEXT_MAIL_KEY])
async def test_both_keys_are_believed_while_one_replaces_the_other(
    away: Doors, key: str
) -> None:
    raw = a_letter("Bonjour")
    unknown = posted(raw, key=SECRET)["webhook-signature"]
    headers = posted(raw, key=key)
    headers["webhook-signature"] = f"{unknown} v2,x {headers['webhook-signature']}"

    answer = await away.ask("POST", DOOR, content=raw, headers=headers)

    assert answer.status_code == 200


FAULTS: dict[str, dict[str, Any]] = {
    "another key": {"key": SECRET},
    "six minutes old": {"seconds_ago": 302},
    "six minutes ahead": {"seconds_ago": -302},
    "no id": {"webhook-id": ""},
    "another id": {"webhook-id": "msg_2"},
    "another hour": {"webhook-timestamp": str(int(time.time()) + 60)},
    "no number": {"webhook-timestamp": "now"},
    "another alphabet": {"webhook-timestamp": "٣"},
    "endless": {"webhook-timestamp": "9" * 5000},
    "no signature": {"webhook-signature": ""},
    "strange signature": {"webhook-signature": "v1,é v1 v1, ,"},
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_message_that_nobody_we_know_signed_just_now_is_not_kept(
    away: Doors, fault: str
) -> None:
    raw = a_letter("Bonjour")
    how = {n: v for n, v in FAULTS[fault].items() if not n.startswith("webhook")}
    headers = posted(raw, **how) | {
        name: value
        for name, value in FAULTS[fault].items()
        if name.startswith("webhook")
    }
    encoded = {name: value.encode() for name, value in headers.items()}

    answer = await away.ask("POST", DOOR, content=raw, headers=encoded)

    assert (answer.status_code, answer.json()["code"]) == (401, "mail_not_signed")
    assert "signature" in answer.json()["detail"]
    assert await away.office.rows(Mail) == []


async def test_each_refusal_of_a_signature_says_the_same(away: Doors) -> None:
    raw = a_letter("Bonjour")
    answers = {
        (await away.ask("POST", DOOR, content=raw, headers=headers)).text
        for headers in (
            posted(raw, key=SECRET),
            posted(raw, seconds_ago=400),
            {"content-type": "message/rfc822"},
        )
    }
    assert len(answers) == 1


async def test_one_changed_byte_is_not_believed(away: Doors) -> None:
    raw = a_letter("Bonjour")

    answer = await away.ask("POST", DOOR, content=raw + b" ", headers=posted(raw))

    assert answer.status_code == 401


async def test_the_recipients_of_the_envelope_reach_the_reading(
    away: Doors,
) -> None:
    room = away.parts.mail_room
    room.__class__ = Listening
    assert isinstance(room, Listening)
    theirs = "infocertificat@echeance.example, <retour+x.7f3a@echeance.example>, , x"
    await post(away, a_letter("Bonjour"), **{"Envelope-To": theirs})
    assert room.recipients == (
        "infocertificat@echeance.example",
        "retour+x.7f3a@echeance.example",
    )
    await post(away, a_letter("Bonsoir"))
    assert not room.recipients


# -------------------------------------------------------------------------- limits


async def test_a_message_of_ten_megabytes_is_taken_and_a_longer_one_is_not(
    away: Doors,
) -> None:
    head = a_letter("Grand")
    largest = head + b"x" * (MOST_BYTES - len(head))

    assert (await post(away, largest)).status_code == 200
    answer = await post(away, largest + b"x")

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert len(await away.office.rows(Mail)) == 1


async def test_a_body_without_a_length_is_cut_off_at_ten_megabytes(
    away: Doors,
) -> None:
    sent = 0

    async def without_end() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 40 * MOST_BYTES:
            sent += 1024 * 1024
            yield b"x" * (1024 * 1024)

    answer = await away.ask("POST", DOOR, content=without_end(), headers=posted(b""))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert sent < 3 * MOST_BYTES


async def test_a_body_that_no_fresh_signature_announces_is_not_read(
    away: Doors,
) -> None:
    read = 0

    async def a_body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"x"

    headers = posted(b"x", seconds_ago=400)
    answer = await away.ask("POST", DOOR, content=a_body(), headers=headers)

    assert (answer.status_code, read) == (401, 0)


async def test_a_crowd_of_messages_waits_and_then_is_told_to_come_again(
    away: Doors,
) -> None:
    places = away.parts.mail_places
    held = 0
    while not places.locked():
        await places.acquire()
        held += 1

    refused = await post(away, a_letter("Bonjour"))
    for _ in range(held):
        places.release()
    taken = await post(away, a_letter("Bonjour"))

    assert (refused.status_code, refused.json()["code"]) == (503, "mail_door_busy")
    assert refused.headers["Retry-After"] == "30"
    assert taken.status_code == 200


async def test_the_door_is_closed_where_no_key_is_set(
    database_url: str, tmp_path: Path
) -> None:
    settings = the_settings(
        database_url, tmp_path, "127.0.0.1:1", ECHEANCE_MAIL_WEBHOOK_SECRET=""
    )
    async with open_doors(settings) as doors:
        answer = await post(doors, a_letter("Bonjour"))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_message_is_to_be_posted_again_while_the_database_is_away(
    tmp_path: Path,
) -> None:
    settings = the_settings(
        "postgresql+psycopg://a:b@127.0.0.1:1/c", tmp_path, "127.0.0.1:1"
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app), knocking_at(app) as http:
        raw = a_letter("Bonjour")
        answer = await http.post(DOOR, content=raw, headers=posted(raw))

    assert (answer.status_code, answer.json()["code"]) == (503, "records_away")
    assert answer.headers["Retry-After"] == "30"


async def test_the_description_names_the_body_and_the_headers(away: Doors) -> None:
    described = (await away.ask("GET", "/api/openapi.json")).json()
    operation = described["paths"][DOOR]["post"]
    assert set(operation["requestBody"]["content"]) == {
        "message/rfc822",
        "application/octet-stream",
    }
    assert {parameter["name"] for parameter in operation["parameters"]} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "envelope-to",
    }
    assert await away.office.rows(TaskRow) == []
