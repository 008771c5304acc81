"""The history: sound as written, and found wherever it was touched."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from records.database import Sessions
from records.opening import find_or_add_person, open_dossier
from records.timeline import Line, append, verify_timeline
from rules.numbers import DossierNumber
from tests.dossiers import TODAY, noon

_LINES = [
    Line("exam_passed", noon(TODAY), "exam_body", {"passed_on": "2026-11-01"}),
    Line("note", noon(TODAY), "officer:1", {"é": "à"}, text_id="t-1"),
    Line("phase", noon(TODAY) + timedelta(microseconds=1), "rule", {}),
]


@pytest.fixture
async def number(sessions: Sessions) -> DossierNumber:
    async with sessions.begin() as session:
        person_id = await find_or_add_person(
            session, name="Marc Roy", email="marc@courriel.example", language="fr"
        )
        number = await open_dossier(session, person_id=person_id, at=noon(TODAY))
        await append(session, number, _LINES[:1])
    async with sessions.begin() as session:
        await append(session, number, [])
        await append(session, number, _LINES[1:])
    return number


async def _tamper(sessions: Sessions, statement: str) -> None:
    """Do what only a person with the keys of the database could."""
    async with sessions.begin() as session:
        await session.execute(text("ALTER TABLE timeline DISABLE TRIGGER USER"))
        await session.execute(text(statement))
        await session.execute(text("ALTER TABLE timeline ENABLE TRIGGER USER"))


async def test_a_history_written_in_several_turns_is_sound(
    sessions: Sessions, number: DossierNumber
) -> None:
    async with sessions() as session:
        assert await verify_timeline(session, number) is None
        assert await verify_timeline(session, "CAR202600009999") is None


@pytest.mark.parametrize(
    ("touched", "first_bad"),
    [
        ("UPDATE timeline SET by = 'officer:2' WHERE position = 2", 2),
        ('UPDATE timeline SET detail = \'{"é": "a"}\' WHERE position = 2', 2),
        ("UPDATE timeline SET at = at + interval '1 us' WHERE position = 3", 3),
        ("UPDATE timeline SET text_id = NULL WHERE position = 2", 2),
        (
            (
                "UPDATE timeline SET hash = overlay(hash placing 'x' from 9) "
                "WHERE position = 1"
            ),
            1,
        ),
        ("UPDATE timeline SET previous_hash = hash WHERE position = 3", 3),
        ("DELETE FROM timeline WHERE position = 2", 2),
        ("DELETE FROM timeline WHERE position = 1", 1),
        ("UPDATE timeline SET position = position + 10 WHERE position = 3", 3),
    ],
)
async def test_the_first_line_that_was_touched_is_named(
    sessions: Sessions, number: DossierNumber, touched: str, first_bad: int
) -> None:
    await _tamper(sessions, touched)
    async with sessions() as session:
        assert await verify_timeline(session, number) == first_bad


async def test_a_line_moved_to_another_dossier_is_found(
    sessions: Sessions, number: DossierNumber
) -> None:
    async with sessions.begin() as session:
        person_id = await find_or_add_person(
            session, name="Ana Cruz", email="ana@courriel.example", language="en"
        )
        other = await open_dossier(session, person_id=person_id, at=noon(TODAY))
    await _tamper(
        sessions, f"UPDATE timeline SET dossier = '{other}' WHERE position = 1"
    )
    async with sessions() as session:
        assert await verify_timeline(session, other) == 1
        assert await verify_timeline(session, number) == 1
