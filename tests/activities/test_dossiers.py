"""A story is rebuilt from the rows; facts are told, or given to a person."""

import sysconfig
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.dossiers import Dossiers
from records.clock import set_ahead
from records.models import FactRow, Letter, TaskRow
from rules.dossier import Kind, Phase
from rules.policy import load_policy
from tests.activities.office import Office, a_record, an_order, run
from tests.dossiers import (
    HOLDER,
    NEWCOMER,
    RIVAL,
    TODAY,
    a_holder,
    a_link,
    a_newcomer,
    noon,
)
from workflows.messages import (
    FactsSetAside,
    PermitChanged,
    PolicyQuestion,
    ResultAsked,
    Source,
    Told,
)
from workflows.payloads import data_converter

FAR = date(2090, 12, 10)
"""An échéance that this suite will not live to see."""


@pytest.fixture
async def temporal() -> AsyncIterator[Client]:
    server = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(Path(sysconfig.get_path("scripts")) / "temporal"),
        dev_server_log_level="error",
        data_converter=data_converter,
    )
    yield server.client
    await server.shutdown()


async def test_nothing_is_rebuilt_for_a_number_that_nobody_bears(
    effects: Dossiers,
) -> None:
    assert await run(effects.load_story, "CAR202600009999") is None


async def test_a_dossier_never_kept_starts_where_the_law_puts_it_today(
    office: Office, effects: Dossiers
) -> None:
    holder = a_holder(FAR, links=(a_link(),))
    await office.place(holder)
    story = await run(effects.load_story, HOLDER)
    assert story is not None
    assert (story.dossier, story.phase, story.version) == (holder, Phase.IN_FORCE, 0)
    assert (story.seen, story.settled, story.letters) == ((), (), ())


async def test_a_dossier_never_kept_is_looked_at_by_its_own_clock(
    office: Office, effects: Dossiers
) -> None:
    await office.place(a_holder(FAR))
    async with office.sessions.begin() as session:
        await set_ahead(session, HOLDER, timedelta(days=365 * 70))
    story = await run(effects.load_story, HOLDER)
    assert story is not None
    assert story.phase is Phase.EXPIRED


async def test_a_kept_story_is_rebuilt_with_all_it_must_not_do_again(
    office: Office, effects: Dossiers
) -> None:
    holder = a_holder()
    await office.place(holder)
    facts = [_permit_changed(f"fact-{n}") for n in range(3)]
    await office.add(*facts)
    sent, waiting = an_order(holder, "reminder_60"), an_order(holder, "reminder_30")
    record = a_record(
        holder,
        4,
        phase=Phase.SUSPENDED,
        applied=("fact-0", "fact-1"),
        settled=("expire",),
        letters=(sent, waiting),
    )
    await run(effects.keep_record, record)
    async with office.sessions.begin() as session:
        (await session.get_one(Letter, sent.key)).state = "accepted"
        (await session.get_one(Letter, waiting.key)).state = "deferred"

    story = await run(effects.load_story, HOLDER)

    assert story is not None
    assert (story.phase, story.version) == (Phase.SUSPENDED, 4)
    assert set(story.seen) == {"fact-0", "fact-1"}
    assert set(story.settled) == {"expire", sent.key, waiting.key}
    assert story.letters == (waiting,)


def _permit_changed(fact_id: str, dossier: str = HOLDER) -> FactRow:
    told_at = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    fact = PermitChanged.model_validate(
        {
            "fact_id": fact_id,
            "source": Source.PERMIT_REGISTER,
            "occurred_at": told_at,
            "received_at": told_at,
            "permit": "AR-1001",
            "valid": False,
            "effective_on": TODAY,
        }
    )
    return FactRow(
        fact_id=fact_id,
        dossier=dossier,
        kind=fact.kind,
        source=fact.source,
        body=fact.model_dump(mode="json"),
        occurred_at=told_at,
        received_at=told_at,
    )


async def test_the_policy_is_that_of_the_day_asked_for(effects: Dossiers) -> None:
    question = PolicyQuestion(kind=Kind.CAR, on=TODAY)
    assert await run(effects.read_policy, question) == load_policy(Kind.CAR, TODAY)


async def test_facts_for_nobody_become_one_task_each_however_often_set_aside(
    office: Office, effects: Dossiers
) -> None:
    nobodys = "CAR202600009999"
    await office.add(_permit_changed("fact-1", nobodys))
    aside = FactsSetAside(number=nobodys, fact_ids=("fact-1", "fact-2"), at=noon(TODAY))
    for _ in range(2):
        await run(effects.set_facts_aside, aside)
    tasks = await office.rows(TaskRow)
    assert sorted((t.reason, t.about, t.dossier) for t in tasks) == [
        ("unknown_dossier", "fact-1", None),
        ("unknown_dossier", "fact-2", None),
    ]
    assert {t.due_on for t in tasks} == {date(2026, 11, 30)}
    assert (await office.one(FactRow, "fact-1")).state == "dead"


async def test_nothing_told_means_nothing_set_aside(
    office: Office, effects: Dossiers
) -> None:
    aside = FactsSetAside(number="CAR202600009999", fact_ids=(), at=noon(TODAY))
    await run(effects.set_facts_aside, aside)
    assert await office.rows(TaskRow) == []


async def _keep_a_question(office: Office, effects: Dossiers) -> str:
    asked = ResultAsked(
        fact_id="request-1:asked",
        source=Source.DOSSIER,
        occurred_at=noon(TODAY),
        received_at=noon(TODAY),
        by=NEWCOMER,
        request_id="request-1",
    )
    await office.place(a_newcomer())
    record = a_record(a_newcomer(), told=(Told(to=RIVAL, fact=asked),))
    await run(effects.keep_record, record)
    return asked.fact_id


async def test_a_fact_told_while_temporal_is_away_is_kept_and_tried_again(
    office: Office, effects: Dossiers
) -> None:
    fact_id = await _keep_a_question(office, effects)
    with pytest.raises(ApplicationError) as problem:
        await run(effects.deliver_told, [fact_id])
    assert (problem.value.type, problem.value.non_retryable) == ("NotDelivered", False)
    assert (await office.one(FactRow, fact_id)).state == "new"


async def test_a_fact_told_starts_the_story_of_the_other_dossier(
    office: Office, effects: Dossiers, temporal: Client
) -> None:
    fact_id = await _keep_a_question(office, effects)
    telling = Dossiers(office.sessions, temporal)
    for _ in range(2):
        await run(telling.deliver_told, [fact_id])
    assert (await office.one(FactRow, fact_id)).state == "signalled"
    assert (await temporal.get_workflow_handle(RIVAL).describe()).id == RIVAL
