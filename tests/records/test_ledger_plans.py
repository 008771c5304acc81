"""On 200,000 letters no question of the ledger reads all of them."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from records.disagreements import duties_past
from records.incoming import (
    mails_matching,
    mails_set_aside_unread,
    mails_with_an_open_task,
)
from records.ledger import (
    HANDED_OVER,
    OF_LETTERS,
    Span,
    days_with_letters,
    letters_on_their_way,
    tallies,
)
from records.measures import measures
from records.missed import DUTY_GRACE, missed_letters
from records.trails import (
    LetterFilter,
    letters_at_a_standstill,
    letters_for_people,
    letters_matching,
    letters_nobody_was_told_of,
    letters_to_post,
    steps_in_dossier,
    steps_replaced,
)
from rules.civil_time import civil_date
from tests.activities.office import Office
from tests.kept import real_now

MONTH = timedelta(days=30)

# Two years of letters; one in a thousand is not delivered, one in ten thousand waits.
_FILL = (
    "SET session_replication_role = replica",  # neither trails nor persons are needed
    """
    INSERT INTO dossiers (number, kind, person_id, opened_on, phase, facts, next_due_at)
    SELECT 'CAR2020' || lpad(n::text, 8, '0'), 'CAR', uuidv7(), '2026-01-01',
           'in_force', '{}', now() + n * interval '1 minute'
    FROM generate_series(0, 19999) AS n
    """,
    """
    INSERT INTO letters (key, dossier, notice, ordered, occurred_at, state, changed_at)
    SELECT 'key-' || n, 'CAR2020' || lpad(mod(n, 20000)::text, 8, '0'),
           'reminder_' || mod(n, 7), '{}', at,
           CASE WHEN mod(n, 10000) = 0 THEN 'deferred'
                WHEN mod(n, 1000) = 1 THEN 'bounced'
                WHEN mod(n, 100) = 2 THEN 'cancelled' ELSE 'accepted' END, at
    FROM generate_series(1, 200000) AS n, LATERAL (
        SELECT now() - n * interval '730 days' / 200000 AS at) AS when_due
    """,
    """
    INSERT INTO timeline (dossier, position, what, at, by, detail, previous_hash, hash)
    SELECT 'CAR2020' || lpad(mod(n, 20000)::text, 8, '0'), n,
           CASE WHEN mod(n, 20) = 0 THEN 'superseded' ELSE 'email_received' END,
           now(), 'rule', jsonb_build_object('notice', 'reminder_60', 'due_at',
               to_char(now() - n * interval '730 days' / 50000,
                       'YYYY-MM-DD HH24:MI:SS+00:00')), '', ''
    FROM generate_series(1, 50000) AS n
    """,
    """
    INSERT INTO letter_events (letter, at, state, fence)
    SELECT key, occurred_at, state, 1 FROM letters ORDER BY occurred_at LIMIT 50000
    """,
    """
    INSERT INTO mails (mail_id, raw, outcome, understood, received_at)
    SELECT 'mail-' || n, '',
           CASE WHEN mod(n, 500) = 0 THEN 'set_aside' ELSE 'ignored' END,
           '{}', now() - n * interval '730 days' / 50000
    FROM generate_series(1, 50000) AS n
    """,
    """
    INSERT INTO tasks (task_id, reason, about, due_on, opened_at, closed_at)
    SELECT 'task-' || n, 'letter_bounced', 'key-' || n, current_date, now(),
           CASE WHEN mod(n, 200) <> 1 THEN now() END
    FROM generate_series(1, 20000) AS n
    """,
    "SET session_replication_role = origin",
    "ANALYZE",
)


@pytest.fixture
async def full(office: Office) -> Office:
    async with office.sessions.begin() as session:
        connection = await session.connection()
        for statement in _FILL:
            await connection.exec_driver_sql(statement)
    return office


@contextmanager
def asked(office: Office) -> Iterator[list[tuple[str, Any]]]:
    """Note each statement and its values."""
    engine = office.sessions.kw["bind"].sync_engine
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, values: Any, *_: Any) -> None:
        statements.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


async def read_whole(session: AsyncSession, statement: str, values: Any) -> set[str]:
    """Name the tables that PostgreSQL would read from end to end."""
    connection = await session.connection()
    explained = await connection.exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) {statement}", values
    )
    (plan,) = explained.scalar_one()
    return set(_whole_tables(plan["Plan"]))


def _whole_tables(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for inner in plan.get("Plans", []):
        yield from _whole_tables(inner)


Question = Callable[[AsyncSession], Awaitable[object]]


def questions() -> dict[str, Question]:
    now = real_now()
    today = civil_date(now)
    month = Span(today - MONTH, today)

    def listed(**wanted: Any) -> Question:
        chosen = LetterFilter(span=month, **wanted)
        return lambda s: letters_matching(s, chosen, after=(now, "key"), limit=51)

    return {
        "thirty days": lambda s: tallies(s, month, ()),
        "newest days": lambda s: days_with_letters(s, before=today, how_many=3),
        "on their way": letters_on_their_way,
        "missed": lambda s: missed_letters(s, now=now, limit=100),
        "R5": lambda s: duties_past(s, now=now, grace=DUTY_GRACE, limit=100),
        **{f"list of {fate}": listed(fates=frozenset({fate})) for fate in OF_LETTERS},
        "list of those handed over": listed(fates=HANDED_OVER),
        "list of a notice": listed(notice="reminder_1"),
        "standing still": lambda s: letters_at_a_standstill(s, limit=100),
        "to post": lambda s: letters_to_post(s, after=None, limit=51),
        "nobody told": lambda s: letters_nobody_was_told_of(s, now=now, limit=100),
        "how many for people": lambda s: letters_for_people(s, now=now),
        "replaced": lambda s: steps_replaced(
            s,
            LetterFilter(span=month, notice="reminder_60"),
            after=(now, "CAR202000000007"),
            limit=51,
        ),
        "messages": lambda s: mails_matching(s, None, after=None, limit=51),
        "set aside": lambda s: mails_set_aside_unread(s, before=now, limit=100),
        "tasks of messages": lambda s: mails_with_an_open_task(s, now=now, limit=100),
        "steps": lambda s: steps_in_dossier(s, "CAR202000000007"),
        "measures": lambda s: measures(s, today),
    }


# Few enough to be read whole: a demo's clocks, and what is not filled here.
SMALL = {"clocks", "facts", "sweeps"}
# A scraper counts the open dossiers; that every one of them is looked at is the point.
COUNTED = {"measures": {"dossiers"}}


async def test_no_question_of_the_ledger_reads_a_whole_table(full: Office) -> None:
    read: dict[str, set[str]] = {}
    async with full.sessions() as session:
        for name, question in questions().items():
            with asked(full) as statements:
                await question(session)
            assert statements, name
            for statement, values in statements:
                whole = await read_whole(session, statement, values)
                read.setdefault(name, set()).update(whole - SMALL)

    assert read == {name: read[name] & COUNTED.get(name, set()) for name in read}
