"""Facts are kept with the caller's rows, and told once Temporal answers."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from intake.delivery import Courier, deliver, store_fact
from records.database import make_engine, make_sessions
from records.models import FactRow
from rules.numbers import DossierNumber
from tests.activities.office import Office
from tests.dossiers import HOLDER, NEWCOMER
from tests.upkeep.server import a_closed_port, a_server, client_of
from tests.upkeep.sweeping import until
from workflows.messages import ExamPassed, Source

AT = datetime(2026, 11, 24, 15, tzinfo=UTC)


def an_exam(fact_id: str = "exam-1") -> ExamPassed:
    return ExamPassed(
        fact_id=fact_id,
        source=Source.EXAM_BODY,
        occurred_at=AT,
        received_at=AT,
        result_id=f"result-{fact_id}",
        passed_on=date(2026, 11, 20),
    )


async def kept(
    office: Office, *fact_ids: str, number: DossierNumber = NEWCOMER
) -> None:
    async with office.sessions.begin() as session:
        for fact_id in fact_ids:
            await store_fact(session, number, an_exam(fact_id))


async def states(office: Office) -> dict[str, str]:
    return {row.fact_id: row.state for row in await office.rows(FactRow)}


async def told(client: Client, number: str) -> list[str]:
    """The ids of the facts in a workflow's history, in order."""
    history = await client.get_workflow_handle(number).fetch_history()
    signalled = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    facts = []
    for event in history.events:
        if event.event_type == signalled:
            payloads = event.workflow_execution_signaled_event_attributes.input.payloads
            facts += await client.data_converter.decode(payloads, [ExamPassed])
    return [fact.fact_id for fact in facts]


async def test_a_fact_is_kept_once_and_the_second_telling_says_so(
    office: Office,
) -> None:
    async with office.sessions.begin() as session:
        first = await store_fact(session, NEWCOMER, an_exam())
        second = await store_fact(session, NEWCOMER, an_exam())

    assert (first, second) == (True, False)
    [row] = await office.rows(FactRow)
    assert (row.dossier, row.kind, row.state) == (NEWCOMER, "exam_passed", "new")
    assert row.received_at == AT


async def test_a_fact_is_not_kept_when_the_callers_transaction_is_undone(
    office: Office,
) -> None:
    async with office.sessions() as session:
        assert await store_fact(session, NEWCOMER, an_exam())
        await session.rollback()

    assert await office.rows(FactRow) == []


async def test_facts_wait_and_nothing_is_raised_while_temporal_is_away(
    office: Office, temporal_away: Client
) -> None:
    await kept(office, "a", "b")

    left = await deliver(office.sessions, temporal_away, ["a", "b"])

    assert left == ("a", "b")
    assert await states(office) == {"a": "new", "b": "new"}


async def test_one_limit_bounds_all_facts_when_the_server_never_answers(
    office: Office,
) -> None:
    ended = asyncio.Event()

    async def silent(_r: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    client = await client_of(server.sockets[0].getsockname()[1])
    await kept(office, "a", number=NEWCOMER)
    await kept(office, "b", number=HOLDER)

    left = await deliver(
        office.sessions, client, ["a", "b"], limit=timedelta(seconds=0.5)
    )

    ended.set()
    server.close()
    assert left == ("a", "b")
    assert set((await states(office)).values()) == {"new"}


async def test_facts_are_told_in_order_and_marked(office: Office) -> None:
    await kept(office, "a", "b")
    await kept(office, "c", number=HOLDER)

    async with a_server() as client:
        left = await deliver(office.sessions, client, ["a", "b", "c"])
        to_newcomer = await told(client, NEWCOMER)
        to_holder = await told(client, HOLDER)

    assert left == ()
    assert (to_newcomer, to_holder) == (["a", "b"], ["c"])
    assert await states(office) == {
        "a": "signalled",
        "b": "signalled",
        "c": "signalled",
    }


@pytest.mark.parametrize("state", ["applied", "dead"])
async def test_a_fact_applied_or_set_aside_is_passed_over(
    office: Office, temporal_away: Client, state: str
) -> None:
    await kept(office, "a")
    async with office.sessions.begin() as session:
        row = await session.get_one(FactRow, "a")
        row.state = state

    left = await deliver(office.sessions, temporal_away, ["a", "unknown"])

    assert left == ()
    assert await states(office) == {"a": state}


async def test_facts_are_left_when_the_database_cannot_be_reached(
    temporal_away: Client,
) -> None:
    port = await a_closed_port()
    engine = make_engine(f"postgresql+psycopg://nobody:none@127.0.0.1:{port}/none")

    left = await deliver(make_sessions(engine), temporal_away, ["a"])

    await engine.dispose()
    assert left == ("a",)


async def test_what_could_not_be_told_at_once_is_told_without_a_sweep(
    office: Office,
) -> None:
    await kept(office, "a", "b")
    port = await a_closed_port()
    courier = Courier(office.sessions, await client_of(port))

    assert not await courier.tell(["a"])
    assert not await courier.tell(["b"])
    assert await states(office) == {"a": "new", "b": "new"}
    async with a_server(port) as client:

        async def are_told() -> bool:
            return set((await states(office)).values()) == {"signalled"}

        await until(are_told)
        assert await told(client, NEWCOMER) == ["a", "b"]
    await courier.close()


async def test_a_courier_that_is_closed_tries_no_more(
    office: Office, temporal_away: Client
) -> None:
    await kept(office, "a")
    courier = Courier(office.sessions, temporal_away)

    await courier.tell(["a"])
    await courier.close()

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert await states(office) == {"a": "new"}
