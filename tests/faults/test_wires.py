"""A wire that is cut, swallows an answer or says nothing: kept once, sent once."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy.exc import SQLAlchemyError

from activities.dossiers import Dossiers
from intake.delivery import deliver, store_fact
from records.database import Sessions, make_engine, make_sessions
from records.models import Agency, DossierRow, FactRow, Letter
from tests.activities.attempt import a_post
from tests.activities.office import Office, a_record, run
from tests.activities.posting import KEY, failure_of, order, sending
from tests.activities.relay_log import RelayLog
from tests.dossiers import HOLDER, PERMIT, a_holder
from tests.faults.ending import nothing_is_found
from tests.faults.proxy import Proxy
from tests.letters.relay import ScriptedRelay
from tests.upkeep.server import a_server, client_of
from tests.upkeep.sweeping import an_exam, at_work, until
from workflows.messages import Posted

pytestmark = pytest.mark.usefixtures("holder")


def by_wire(office: Office, wire: Proxy) -> Sessions:
    """The same database, reached over the wire."""
    there = urlsplit(office.url)
    through = there._replace(
        netloc=f"{there.username}:{there.password}@127.0.0.1:{wire.port}"
    )
    engine = make_engine(through.geturl())
    office.opened.push_async_callback(engine.dispose)
    return make_sessions(engine)


def database_port(office: Office) -> int:
    port = urlsplit(office.url).port
    assert port is not None
    return port


@pytest.mark.parametrize("lost", ["commit", "answer"])
async def test_a_record_whose_commit_or_answer_is_lost_is_kept_once_by_the_next(
    office: Office, effects: Dossiers, lost: str
) -> None:
    fault = {"drop_at" if lost == "commit" else "swallow_at": b"COMMIT"}
    record = a_record(a_holder())
    async with Proxy(database_port(office), **fault) as wire:  # type: ignore[arg-type] # one of the two
        over = Dossiers(by_wire(office, wire), effects._client)
        with pytest.raises(SQLAlchemyError):
            await run(over.keep_record, record)
        kept = (await office.one(DossierRow, HOLDER)).version
        assert kept == (0 if lost == "commit" else 1)
        await run(over.keep_record, record)
    assert wire.faults == 1
    assert (await office.one(DossierRow, HOLDER)).version == 1


async def test_a_database_that_says_nothing_holds_an_effect_no_longer_than_its_limit(
    office: Office, effects: Dossiers
) -> None:
    async with Proxy(database_port(office), is_dumb=True) as wire:
        over = Dossiers(by_wire(office, wire), effects._client)
        with pytest.raises((SQLAlchemyError, TimeoutError)):
            async with asyncio.timeout(2):
                await run(over.keep_record, a_record(a_holder()))
    await run(effects.keep_record, a_record(a_holder()))
    assert (await office.one(DossierRow, HOLDER)).version == 1


@pytest.mark.parametrize("after", [1, 40, 90, 400, 3000])
@pytest.mark.parametrize("resets", [False, True])
async def test_a_letter_cut_after_any_byte_leaves_once(
    office: Office, relay: ScriptedRelay, log: RelayLog, after: int, resets: bool
) -> None:
    async with Proxy(relay.port, cut_after=after, resets=resets) as wire:
        letters = sending(office, a_post(wire.port, log.url))
        assert await failure_of(letters, order()) in {"Deferred", "InDoubt"}
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED
    assert len(relay.taken) == 1


async def test_a_letter_whose_250_is_swallowed_by_the_wire_leaves_once(
    office: Office, relay: ScriptedRelay, log: RelayLog
) -> None:
    async with Proxy(relay.port, swallow_at=b"\r\n.\r\n") as wire:
        letters = sending(office, a_post(wire.port, log.url))
        wire.swallow_at = b".\r\n"
        assert await failure_of(letters, order()) == "InDoubt"
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED
    assert len(relay.taken) == 1
    assert (await office.one(Letter, KEY)).state == "accepted"


async def test_a_slow_wire_only_makes_a_letter_late(
    office: Office, relay: ScriptedRelay
) -> None:
    async with Proxy(relay.port, delay_s=0.02) as wire:
        letters = sending(office, a_post(wire.port))
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED
    assert len(relay.taken) == 1


async def test_a_fact_whose_signal_is_never_answered_is_heard_once(
    office: Office,
) -> None:
    await office.add(Agency(permit=PERMIT, name="Boréal", email="b@a.example"))
    async with a_server() as client, at_work(office, client):
        host = client.service_client.config.target_host
        async with Proxy(int(host.rpartition(":")[2])) as wire:
            far = await client_of(wire.port)
            await far.service_client.check_health()
            async with office.sessions.begin() as session:
                await store_fact(session, HOLDER, an_exam())
            wire.is_dumb = True
            left = await deliver(
                office.sessions, far, ["exam-1"], limit=timedelta(seconds=1)
            )
            assert left == ("exam-1",)
        assert (await office.one(FactRow, "exam-1")).state == "new"
        assert await deliver(office.sessions, client, ["exam-1", "exam-1"]) == ()

        async def heard() -> bool:
            return (await office.one(FactRow, "exam-1")).state == "applied"

        await until(heard)
        assert (await office.one(DossierRow, HOLDER)).version == 1
        await nothing_is_found(office, client)
