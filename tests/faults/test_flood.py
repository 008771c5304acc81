"""A flood of provider's messages: a small cost each, and nothing kept of the forged."""

import asyncio
import json
import time
from collections import Counter
from datetime import UTC, datetime

from records.models import FactRow, PaymentSession, TaskRow
from records.money import PaymentRow
from tests.api.doors import Doors, signed
from tests.api.test_payments import a_dossier_to_pay, captured
from tests.faults.conftest import every_connection_taken

WEBHOOK = "/api/v1/webhooks/payments"
FORGED, SIGNED = 400, 60
CPU_EACH_S = 0.02
"""A limit far above what one takes: HMAC of 100 KB, once."""


async def test_a_flood_of_forged_messages_takes_no_connection_and_little_time(
    away: Doors,
) -> None:
    """The database is all taken: whoever asked for a connection would wait for it."""
    told = {"type": "payment.captured", "about": "x" * 100_000}
    body, headers = json.dumps(told), signed(told, "msg")[1]
    headers |= {"webhook-signature": "v1,Zm9yZ2Vk " * 16}

    async with every_connection_taken(away):
        began = time.process_time()
        answers = await asyncio.gather(
            *(
                away.ask("POST", WEBHOOK, content=body, headers=headers)
                for _ in range(FORGED)
            )
        )
        took = time.process_time() - began

    assert Counter(answer.json()["code"] for answer in answers) == {
        "bad_signature": FORGED
    }
    assert took / FORGED < CPU_EACH_S
    for table in (FactRow, PaymentRow, TaskRow):
        assert await away.office.rows(table) == []


async def test_a_flood_of_one_signed_message_is_one_fact_and_the_door_stays_open(
    away: Doors,
) -> None:
    """Who has no turn is told to come back; the provider does, and is heard once."""
    number = await a_dossier_to_pay(away)
    begun = await away.done(f"/api/v1/dossiers/{number}/payments", "representative")
    at = datetime.now(UTC).isoformat()
    event = captured(begun, captured_at=at)

    flood = [away.hear(event, f"msg_{n}") for n in range(SIGNED)]
    answers = await asyncio.gather(*flood, away.ask("GET", "/livez"))

    codes = Counter(answer.status_code for answer in answers[:-1])
    assert set(codes) <= {200, 503}, codes
    assert answers[-1].status_code == 200
    assert (await away.hear(event, "msg_1")).status_code == 200
    (fact,) = await away.office.rows(FactRow)
    (payment,) = await away.office.rows(PaymentRow)
    (session,) = await away.office.rows(PaymentSession)
    assert (fact.kind, payment.payment_id) == ("invoice_paid", session.payment_id)
