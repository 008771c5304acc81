"""The desk's lists among many dossiers: answered by an index, never by reading all."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from records.agencies import unanswered_requests
from records.database import make_engine
from records.hands import hands_in_dossier
from records.queries import (
    DossierFilter,
    TaskFilter,
    dossiers_matching,
    open_tasks,
    open_tasks_with_names,
)
from rules.dossier import Phase
from tests.records.many import RARE, fill

MANY = 20_000
TODAY = date(2026, 11, 26)
Question = Callable[[AsyncSession], Awaitable[Any]]


def searched(text: str, after: str = "") -> Question:
    wanted = DossierFilter(search=text)
    return lambda session: dossiers_matching(session, wanted, after=after, limit=51)


QUESTIONS: dict[str, tuple[Question, set[str]]] = {
    "the queue": (
        lambda session: open_tasks(session, after=None, limit=51),
        {"ix_tasks_open"},
    ),
    "the queue with whose dossiers": (
        lambda session: open_tasks_with_names(session, after=None, limit=26),
        {"ix_tasks_open", "pk_dossiers", "pk_people"},
    ),
    "a later page of the queue": (
        lambda session: open_tasks(
            session, after=(date(2027, 1, 1), "task-1"), limit=51
        ),
        {"ix_tasks_open"},
    ),
    "an officer's own tasks": (
        lambda session: open_tasks(
            session, after=None, limit=51, wanted=TaskFilter(holder="staff:officer-7")
        ),
        {"ix_tasks_open_of_holder"},
    ),
    "a later page of nobody's tasks": (
        lambda session: open_tasks(
            session,
            after=(date(2026, 11, 2), "task-1"),
            limit=51,
            wanted=TaskFilter(unheld=True),
        ),
        {"ix_tasks_open_of_nobody"},
    ),
    "the hands of a dossier's tasks": (
        lambda session: hands_in_dossier(session, "CAR202400000020", limit=50),
        {"ix_task_hands_dossier"},
    ),
    "a rare name": (searched(RARE), {"ix_people_words_of_name"}),
    "the start of two words, accents or not": (
        searched("ZOE quev"),
        {"ix_people_words_of_name"},
    ),
    "the start of a number": (searched("CAR2024 0001 2"), {"pk_dossiers"}),
    "a phase that nobody is in": (
        lambda session: dossiers_matching(
            session, DossierFilter(phase=Phase.IN_REVIEW), after="", limit=51
        ),
        {"ix_dossiers_phase_number"},
    ),
    "agencies that are silent": (
        lambda session: unanswered_requests(session, today=TODAY, after=None, limit=51),
        {"ix_links_unanswered"},
    ),
}


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database_url)
    async with engine.connect() as connection:
        await fill(connection, MANY)
    yield engine
    await engine.dispose()


async def plans_of(engine: AsyncEngine, question: Question) -> list[dict[str, Any]]:
    """Ask, then have PostgreSQL explain each statement as it was asked."""
    asked: list[tuple[str, Any]] = []

    def note(*told: Any) -> None:
        asked.append((told[2], told[3]))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    async with async_sessionmaker(engine)() as session:
        await question(session)
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    async with engine.connect() as connection:
        plans: list[dict[str, Any]] = []
        for statement, parameters in asked:
            explained = await connection.exec_driver_sql(
                f"EXPLAIN (FORMAT JSON) {statement}", parameters
            )
            told = explained.scalar_one()
            plans += told if isinstance(told, list) else json.loads(told)
    return [plan["Plan"] for plan in plans]


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes_of(inner)


async def test_each_list_of_the_desk_is_read_by_an_index(engine: AsyncEngine) -> None:
    for name, (question, indexes) in QUESTIONS.items():
        nodes = [n for p in await plans_of(engine, question) for n in nodes_of(p)]
        read_whole = {
            node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"
        }
        # A table of a thousand agencies may be read whole.
        assert read_whole <= {"agencies"}, (name, nodes)
        used = {node["Index Name"] for node in nodes if "Index Name" in node}
        assert indexes <= used, (name, used)


async def test_a_question_asked_often_keeps_a_plan_for_each_value(
    engine: AsyncEngine,
) -> None:
    async with async_sessionmaker(engine)() as session:
        for _ in range(20):  # a plan for any value is considered after ten
            await searched(RARE)(session)
        prepared = await session.execute(
            text(
                "SELECT sum(custom_plans), sum(generic_plans)"
                " FROM pg_prepared_statements"
            )
        )
        for_one, for_any = prepared.one()
    assert for_one > 10
    assert for_any == 0


async def test_a_page_goes_on_where_the_one_before_ended(engine: AsyncEngine) -> None:
    async with async_sessionmaker(engine)() as session:
        wanted = DossierFilter(search="cote")
        first = await dossiers_matching(session, wanted, after="", limit=50)
        last = first[-1][0].number
        then = await dossiers_matching(session, wanted, after=last, limit=50)
    numbers = [row.number for row, _ in (*first, *then)]
    assert len(numbers) == 100
    assert numbers == sorted(set(numbers))
    assert {name.split()[1] for _, name in (*first, *then)} == {"Côté"}
