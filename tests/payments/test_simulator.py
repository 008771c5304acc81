"""The provider that takes no money, where it must behave as one that does."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from payments.events import Captured, Declined, Refunded, Reversed
from payments.provider import (
    PaymentProvider,
    SessionOrder,
    SessionState,
    WillNotRefund,
)
from payments.simulator import AlreadySettled, Manner, Settled, Simulator
from payments.simulator_files import payment_of
from rules.numbers import DossierNumber
from tests.dossiers import NEWCOMER, TODAY, noon
from tests.payments.listening import Heard, listening

NOWHERE = "http://127.0.0.1:1/"
KEYS = ("whsec_dGVzdHM=", "whsec_YXV0cmU=")
ORDER = SessionOrder(
    session_id="ps_of_the_tests",
    dossier=NEWCOMER,
    invoice_id=f"{NEWCOMER}-1",
    invoice_number="F-2026-000001",
    amount_cents=18500,
    expires_at=noon(TODAY) + timedelta(hours=1),
    return_url=f"{NOWHERE}fr/paiement/ps_of_the_tests",
)
NAME = ORDER.session_id


@dataclass
class Watch:
    """A dossier's clock, moved by hand."""

    at: datetime = field(default_factory=lambda: noon(TODAY))

    async def now(self, number: DossierNumber) -> datetime:
        assert number == NEWCOMER
        return self.at


def a_simulator(
    folder: Path, *, url: str = NOWHERE, watch: Watch | None = None
) -> Simulator:
    return Simulator(
        folder,
        keys=KEYS,
        public_url=url,
        now=(watch or Watch()).now,
        late_by=timedelta(seconds=0.3),
    )


@asynccontextmanager
async def a_simulator_heard(folder: Path) -> AsyncIterator[tuple[Simulator, Heard]]:
    """Run a simulator whose messages reach somebody, and a try to pay begun there."""
    async with listening() as heard:
        simulator = a_simulator(folder, url=heard.url)
        await simulator.create_session(ORDER)
        yield simulator, heard


def told_in(simulator: Simulator, heard: Heard) -> Sequence[Any]:
    return [simulator.verify_webhook(r.body, r.headers).event for r in heard.requests]


def settled(answer: Settled | None) -> Settled:
    assert answer is not None
    return answer


async def test_a_session_survives_the_end_of_its_process(tmp_path: Path) -> None:
    begun = await a_simulator(tmp_path).create_session(ORDER)
    again: PaymentProvider = a_simulator(tmp_path)
    assert await again.fetch(NAME) == begun
    assert begun.pay_url == f"http://127.0.0.1:1/fr/simulateur/{NAME}"


async def test_a_session_asked_for_twice_is_one(tmp_path: Path) -> None:
    simulator = a_simulator(tmp_path)
    begun = [await simulator.create_session(ORDER) for _ in range(2)]
    assert begun[0] == begun[1]
    assert len(await simulator.sessions_since(datetime(2026, 1, 1, tzinfo=UTC))) == 1


async def test_an_approval_captures_once_at_the_dossiers_instant(
    tmp_path: Path,
) -> None:
    simulator = a_simulator(tmp_path)
    await simulator.create_session(ORDER)
    first = settled(await simulator.approve(NAME))
    again = settled(await simulator.approve(NAME))
    assert first == again
    assert first.webhook_status is None  # nobody listens there
    assert first.session.state is SessionState.PAID
    assert first.session.payment is not None
    assert first.session.payment.captured_at == noon(TODAY)
    assert first.session.payment.amount_cents == ORDER.amount_cents
    with pytest.raises(AlreadySettled):
        await simulator.refuse(NAME)


async def test_a_refusal_captures_nothing(tmp_path: Path) -> None:
    simulator = a_simulator(tmp_path)
    await simulator.create_session(ORDER)
    assert settled(await simulator.refuse(NAME)).session.payment is None
    with pytest.raises(AlreadySettled):
        await simulator.approve(NAME)


@pytest.mark.parametrize("session_id", ["", "sim_", "../tokens", "ps_" + "a" * 22])
async def test_an_unknown_session_is_none(tmp_path: Path, session_id: str) -> None:
    simulator = a_simulator(tmp_path)
    assert await simulator.fetch(session_id) is None
    assert await simulator.approve(session_id) is None
    assert await simulator.refuse(session_id) is None
    assert await simulator.end_session(session_id) is None


@pytest.mark.parametrize(
    ("late_by", "state"),
    [(timedelta(), SessionState.EXPIRED), (timedelta(seconds=-1), SessionState.OPEN)],
)
async def test_nobody_pays_from_the_hour_at_which_a_session_ends(
    tmp_path: Path, late_by: timedelta, state: SessionState
) -> None:
    watch = Watch()
    simulator = a_simulator(tmp_path, watch=watch)
    await simulator.create_session(ORDER)
    watch.at = ORDER.expires_at + late_by
    found = await simulator.fetch(NAME)
    assert found is not None
    assert found.state is state


async def test_a_session_that_was_ended_is_paid_no_more(tmp_path: Path) -> None:
    simulator = a_simulator(tmp_path)
    await simulator.create_session(ORDER)
    ended = await simulator.end_session(NAME)
    assert ended is not None
    assert ended.state is SessionState.EXPIRED
    with pytest.raises(AlreadySettled):
        await simulator.approve(NAME)


async def test_a_session_that_was_paid_before_it_is_ended_stays_paid(
    tmp_path: Path,
) -> None:
    simulator = a_simulator(tmp_path)
    await simulator.create_session(ORDER)
    await simulator.approve(NAME)
    ended = await simulator.end_session(NAME)
    assert ended is not None
    assert ended.state is SessionState.PAID


# ------------------------------------------------------------- how messages travel


async def test_a_message_is_signed_and_says_what_was_captured(tmp_path: Path) -> None:
    async with a_simulator_heard(tmp_path) as (simulator, heard):
        assert settled(await simulator.approve(NAME)).webhook_status == 200
        (event,) = told_in(simulator, heard)
    assert event == Captured(
        session_id=NAME,
        payment_id=payment_of(NAME),
        invoice_id=ORDER.invoice_id,
        amount_cents=18500,
        currency="CAD",
        captured_at=noon(TODAY),
    )


async def test_a_message_sent_twice_bears_one_id(tmp_path: Path) -> None:
    async with a_simulator_heard(tmp_path) as (simulator, heard):
        await simulator.approve(NAME, Manner.TWICE)
        assert len({r.headers["webhook-id"] for r in heard.requests}) == 1
        assert len(heard.requests) == 2


async def test_an_older_refusal_may_come_after_the_capture(tmp_path: Path) -> None:
    async with a_simulator_heard(tmp_path) as (simulator, heard):
        await simulator.approve(NAME, Manner.OUT_OF_ORDER)
        events = told_in(simulator, heard)
    assert [type(event) for event in events] == [Captured, Declined]


async def test_a_lost_message_is_told_only_when_it_is_asked_for(tmp_path: Path) -> None:
    async with a_simulator_heard(tmp_path) as (simulator, heard):
        await simulator.approve(NAME, Manner.NEVER)
        await simulator.post.send_due()
        assert heard.requests == []
        found = await simulator.fetch(NAME)
    assert found is not None
    assert found.state is SessionState.PAID


async def test_a_late_message_leaves_once_its_hour_has_come(tmp_path: Path) -> None:
    async with a_simulator_heard(tmp_path) as (simulator, heard):
        assert (
            settled(await simulator.approve(NAME, Manner.LATE)).webhook_status is None
        )
        assert heard.requests == []
        sending = asyncio.create_task(simulator.post.send_for_ever())
        await heard.until(1)
        sending.cancel()


async def test_a_message_that_was_not_taken_comes_again(tmp_path: Path) -> None:
    async with a_simulator_heard(tmp_path) as (simulator, heard):
        heard.answers = [503]
        assert settled(await simulator.approve(NAME)).webhook_status == 503
        sending = asyncio.create_task(simulator.post.send_for_ever())
        await heard.until(2)
        sending.cancel()
        first, again = heard.requests
    assert json.loads(first.body) == json.loads(again.body)


# ----------------------------------------------------------------- money goes back


async def test_a_refund_is_given_once_for_each_key_and_told(tmp_path: Path) -> None:
    async with a_simulator_heard(tmp_path) as (simulator, heard):
        await simulator.approve(NAME)
        name = payment_of(NAME)
        first = await simulator.refund(name, amount_cents=500, key="half")
        again = await simulator.refund(name, amount_cents=500, key="half")
        other = await simulator.refund(name, amount_cents=18000, key="rest")
        _, *told = told_in(simulator, heard)
    assert first == again
    assert first.refund_id != other.refund_id
    assert [e.refunded_cents for e in told if isinstance(e, Refunded)] == [500, 18500]


async def test_more_than_was_captured_never_goes_back(tmp_path: Path) -> None:
    simulator = a_simulator(tmp_path)
    await simulator.create_session(ORDER)
    await simulator.approve(NAME)
    name = payment_of(NAME)
    for cents, key in ((18501, "too much"), (1, "unknown")):
        with pytest.raises(WillNotRefund):
            await simulator.refund(
                name if key == "too much" else "pay_unknown",
                amount_cents=cents,
                key=key,
            )
    await simulator.refund(name, amount_cents=18500, key="all")
    with pytest.raises(WillNotRefund):
        await simulator.refund(name, amount_cents=1, key="one more")


async def test_a_contested_payment_is_told_and_shown(tmp_path: Path) -> None:
    async with a_simulator_heard(tmp_path) as (simulator, heard):
        await simulator.approve(NAME)
        taken = settled(await simulator.take_back(NAME)).session
        events = told_in(simulator, heard)
    assert taken.payment is not None
    assert taken.payment.contested
    assert isinstance(events[-1], Reversed)


async def test_nothing_is_contested_that_was_not_paid(tmp_path: Path) -> None:
    simulator = a_simulator(tmp_path)
    await simulator.create_session(replace(ORDER, session_id="ps_other_one"))
    with pytest.raises(AlreadySettled):
        await simulator.take_back("ps_other_one")
