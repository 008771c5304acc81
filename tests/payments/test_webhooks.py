"""Which messages of a provider are believed: the signed ones, byte for byte."""

import base64
import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from payments.events import BadEvent, Captured, Event, Other, Reversed, read_event
from payments.signing import (
    BadSignature,
    keys_in,
    sign_stripe,
    verify_standard,
    verify_stripe,
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


def believed(body: str) -> Event:
    verify_standard(body.encode(), signed(body), [SECRET])
    return read_event(body.encode())


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
    verify_standard(body.encode(), headers, [SECRET])


@pytest.mark.parametrize("seconds", [-303, 302, 10**6])
def test_a_message_of_more_than_five_minutes_is_not_believed(seconds: int) -> None:
    body = json.dumps(EVENT)
    headers = signed(body, age=timedelta(seconds=seconds))
    with pytest.raises(BadSignature):
        verify_standard(body.encode(), headers, [SECRET])


def test_a_message_signed_with_another_key_is_not_believed() -> None:
    body = json.dumps(EVENT)
    other = "whsec_" + base64.b64encode(b"another").decode()
    with pytest.raises(BadSignature):
        verify_standard(body.encode(), signed(body, secret=other), [SECRET])


NEXT_SECRET = "whsec_" + base64.b64encode(b"the key to come").decode()


@pytest.mark.parametrize("secret", [SECRET, NEXT_SECRET])
def test_both_keys_are_believed_while_one_takes_the_place_of_the_other(
    secret: str,
) -> None:
    keys = keys_in(f" {NEXT_SECRET} , {SECRET},")
    body = json.dumps(EVENT)
    assert verify_standard(body.encode(), signed(body, secret=secret), keys) == "msg_1"


def test_a_key_that_was_taken_away_is_not_believed() -> None:
    body = json.dumps(EVENT)
    with pytest.raises(BadSignature):
        verify_standard(body.encode(), signed(body), keys_in(NEXT_SECRET))


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
            verify_standard(bytes(mutated), headers, [SECRET])
    verify_standard(body, headers, [SECRET])


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
        verify_standard(body.encode(), signed(body) | {name: value}, [SECRET])


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


# ------------------------------------------------------------ signed as Stripe signs

NOW = datetime(2026, 11, 26, 17, tzinfo=UTC)
AT = int(NOW.timestamp())


def test_a_signature_made_elsewhere_by_the_published_rule_is_believed() -> None:
    # printf %s '1492774577.{}' | openssl dgst -sha256 -hmac whsec_test
    digest = "0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b"
    assert sign_stripe(b"{}", "1492774577", "whsec_test") == digest


@pytest.mark.parametrize(
    ("age", "is_believed"), [(-301, False), (-300, True), (300, True), (301, False)]
)
def test_a_message_signed_as_stripe_does_is_believed_for_five_minutes(
    age: int, is_believed: bool
) -> None:
    at = str(AT - age)
    header = f"t={at},v1={sign_stripe(b'{}', at, 'whsec_a')}"
    if is_believed:
        verify_stripe(b"{}", header, ["whsec_a"], now=NOW)
        return
    with pytest.raises(BadSignature):
        verify_stripe(b"{}", header, ["whsec_a"], now=NOW)


def test_a_header_bears_a_signature_of_each_key_during_a_rotation() -> None:
    both = ",".join(f"v1={sign_stripe(b'{}', str(AT), key)}" for key in ("old", "new"))
    header = f"t={AT},{both},v0=ignored"
    for ours in (["old"], ["new"], ["other", "new"]):
        verify_stripe(b"{}", header, ours, now=NOW)
    with pytest.raises(BadSignature):
        verify_stripe(b"{}", header, ["other"], now=NOW)
    with pytest.raises(BadSignature):
        verify_stripe(b"{} ", header, ["old"], now=NOW)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        "t=now,v1=a",
        f"t={AT}",
        f"t={AT},v1=",
        f"t={AT},v1=é",
        f"t={AT * 9999}",
    ],
)
def test_a_strange_header_is_not_believed(header: str) -> None:
    with pytest.raises(BadSignature):
        verify_stripe(b"{}", header, ["whsec_a"], now=NOW)
