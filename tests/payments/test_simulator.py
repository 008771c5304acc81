"""The provider that takes no money, where it must behave as one that does."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from payments.provider import PaymentProvider, SessionOrder, SessionState
from payments.simulator import AlreadySettled, Simulator
from rules.numbers import DossierNumber
from tests.dossiers import NEWCOMER, TODAY, noon

ORDER = SessionOrder(NEWCOMER, f"{NEWCOMER}-1", 18500)


def a_simulator(folder: Path) -> Simulator:
    async def now(number: DossierNumber) -> datetime:
        assert number == NEWCOMER
        return noon(TODAY)

    # Nobody listens on that port: each message is lost, and is said to be.
    return Simulator(
        folder, secret="whsec_dGVzdHM=", public_url="http://127.0.0.1:1/", now=now
    )


async def test_a_session_survives_the_end_of_its_process(tmp_path: Path) -> None:
    begun = await a_simulator(tmp_path).create_session(ORDER)
    again: PaymentProvider = a_simulator(tmp_path)
    assert await again.fetch(begun.session_id) == begun
    assert begun.pay_url == f"http://127.0.0.1:1/simulator/sessions/{begun.session_id}"


async def test_an_approval_captures_once_at_the_dossiers_instant(
    tmp_path: Path,
) -> None:
    simulator = a_simulator(tmp_path)
    begun = await simulator.create_session(ORDER)
    first = await simulator.approve(begun.session_id)
    again = await simulator.approve(begun.session_id)
    assert first == again
    assert first is not None
    assert first.webhook_status is None
    assert first.session.state is SessionState.PAID
    assert first.session.captured_at == noon(TODAY)
    assert first.session.captured_at.tzinfo is UTC
    with pytest.raises(AlreadySettled):
        await simulator.refuse(begun.session_id)


async def test_a_refusal_captures_nothing(tmp_path: Path) -> None:
    simulator = a_simulator(tmp_path)
    begun = await simulator.create_session(ORDER)
    settled = await simulator.refuse(begun.session_id)
    assert settled is not None
    assert settled.session.payment_id is None
    with pytest.raises(AlreadySettled):
        await simulator.approve(begun.session_id)


@pytest.mark.parametrize("session_id", ["", "sim_", "../tokens", "sim_" + "a" * 22])
async def test_an_unknown_session_is_none(tmp_path: Path, session_id: str) -> None:
    simulator = a_simulator(tmp_path)
    assert await simulator.fetch(session_id) is None
    assert await simulator.approve(session_id) is None
    assert await simulator.refuse(session_id) is None


async def test_a_refund_is_given_once_for_each_key(tmp_path: Path) -> None:
    simulator = a_simulator(tmp_path)
    first = await simulator.refund("pay_1", amount_cents=18500, key="late")
    again = await simulator.refund("pay_1", amount_cents=18500, key="late")
    other = await simulator.refund("pay_1", amount_cents=18500, key="double")
    assert first == again
    assert first.refund_id != other.refund_id
    assert first.amount_cents == 18500
