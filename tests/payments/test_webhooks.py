"""Which messages of a provider are believed: the signed ones, byte for byte."""

import base64
import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from payments.provider import (
    BadEvent,
    BadSignature,
    Captured,
    Other,
    Reversed,
    verify_signed,
)

SECRET = "whsec_" + base64.b64encode(b"a key of the provider").decode()
EVENT = {
    "type": "payment.captured",
    "session_id": "sim_1",
    "payment_id": "pay_1",
    "invoice_id": "CAR202600000002-1",
    "amount_cents": 18500,
    "currency": "CAD",
    "captured_at": "2026-11-24T12:00:00-05:00",
}


def signed(
    body: str, *, age: timedelta = timedelta(), secret: str = SECRET
) -> dict[str, str]:
    at = datetime.now(UTC) - age
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, body),
    }


def believed(body: str) -> object:
    return verify_signed(body.encode(), signed(body), secret=SECRET).event


def test_a_signed_capture_is_believed_and_read_in_utc() -> None:
    event = believed(json.dumps(EVENT))
    assert isinstance(event, Captured)
    assert event.captured_at == datetime(2026, 11, 24, 17, tzinfo=UTC)
    assert event.captured_at.tzinfo is UTC


def test_fields_a_provider_adds_are_passed_over() -> None:
    assert isinstance(believed(json.dumps(EVENT | {"card": "none"})), Captured)


def test_a_reversal_and_an_unknown_kind_are_told_apart() -> None:
    reversal = {
        "type": "payment.reversed",
        "payment_id": "pay_1",
        "reversed_at": "2026-11-25T00:00:00Z",
    }
    assert isinstance(believed(json.dumps(reversal)), Reversed)
    assert isinstance(believed('{"type": "payout.paid"}'), Other)


@pytest.mark.parametrize("seconds", [-298, 0, 298])
def test_a_message_of_less_than_five_minutes_is_believed(seconds: int) -> None:
    body = json.dumps(EVENT)
    headers = signed(body, age=timedelta(seconds=seconds))
    verify_signed(body.encode(), headers, secret=SECRET)


@pytest.mark.parametrize("seconds", [-303, 302, 10**6])
def test_a_message_of_more_than_five_minutes_is_not_believed(seconds: int) -> None:
    body = json.dumps(EVENT)
    headers = signed(body, age=timedelta(seconds=seconds))
    with pytest.raises(BadSignature):
        verify_signed(body.encode(), headers, secret=SECRET)


def test_a_message_signed_with_another_key_is_not_believed() -> None:
    body = json.dumps(EVENT)
    other = "whsec_" + base64.b64encode(b"another").decode()
    with pytest.raises(BadSignature):
        verify_signed(body.encode(), signed(body, secret=other), secret=SECRET)


def test_no_mutated_body_is_believed() -> None:
    body = json.dumps(EVENT).encode()
    headers = signed(body.decode())
    dice = random.Random(269)
    for _ in range(10_000):
        mutated = bytearray(body)
        match dice.randrange(3):
            case 0:
                mutated[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
            case 1:
                del mutated[dice.randrange(len(body))]
            case _:
                mutated.insert(dice.randrange(len(body) + 1), dice.randrange(256))
        if bytes(mutated) == body:
            continue
        with pytest.raises(BadSignature):
            verify_signed(bytes(mutated), headers, secret=SECRET)
    verify_signed(body, headers, secret=SECRET)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,é"),
        ("webhook-signature", "v1,a,b"),
        ("webhook-signature", "v2,YWJj"),
        ("webhook-signature", ""),
        ("webhook-timestamp", "now"),
        ("webhook-timestamp", "nan"),
        ("webhook-timestamp", "1e400"),
        ("webhook-id", ""),
    ],
)
def test_strange_headers_are_not_believed(name: str, value: str) -> None:
    body = json.dumps(EVENT)
    with pytest.raises(BadSignature):
        verify_signed(body.encode(), signed(body) | {name: value}, secret=SECRET)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "{}",
        '{"type": 1}',
        json.dumps(EVENT | {"amount_cents": "18500"}),
        json.dumps(EVENT | {"amount_cents": 10**16}),
        json.dumps(EVENT | {"payment_id": ""}),
        json.dumps(EVENT | {"payment_id": "pay\u0000"}),
        json.dumps(EVENT | {"currency": "dollars"}),
        json.dumps(EVENT | {"captured_at": "2026-11-24"}),
        json.dumps(EVENT | {"captured_at": "9999-12-31T23:59:59-14:00"}),
    ],
)
def test_a_believed_message_that_cannot_be_read_is_told_apart(body: str) -> None:
    with pytest.raises(BadEvent):
        believed(body)
