"""Lists of letters without a gap, and the steps of each in the order of instants."""

from datetime import date, timedelta
from typing import Any

import pytest

from records.clock import set_ahead
from records.ledger import Span
from records.models import Letter, LetterEvent
from records.timeline import Line, append
from records.trails import (
    LetterFilter,
    letters_at_a_standstill,
    letters_matching,
    letters_nobody_was_told_of,
    letters_to_post,
    steps_in_dossier,
    steps_of,
)
from tests.activities.office import Office
from tests.dossiers import HOLDER, TODAY, a_holder, noon
from tests.kept import a_letter, a_task, letters_of_each_state, real_now

ALL = LetterFilter(span=Span(TODAY - timedelta(days=30), TODAY))
DAYS = timedelta(days=1)


@pytest.fixture(autouse=True)
async def _holder(office: Office) -> None:
    await office.place(a_holder())


async def test_a_list_is_read_page_by_page_newest_first_without_gap_or_repetition(
    office: Office,
) -> None:
    same_instant = [a_letter(about=f"{n:02}") for n in range(5)]
    older = [
        a_letter(about=f"old-{n}", occurred_at=noon(TODAY - n * DAYS)) for n in (1, 2)
    ]
    await office.add(*same_instant, *older)
    expected = [
        *sorted((x.key for x in same_instant), reverse=True),
        *(x.key for x in older),
    ]

    seen: list[str] = []
    after = None
    async with office.sessions() as session:
        while page := await letters_matching(session, ALL, after=after, limit=2):
            seen += [letter.key for letter in page]
            after = (page[-1].occurred_at, page[-1].key)

    assert seen == expected


async def test_a_list_is_narrowed_by_notice_and_by_day(office: Office) -> None:
    yesterday = TODAY - DAYS
    await office.add(
        a_letter("receipt"),
        a_letter("invoice"),
        a_letter("receipt", about="before", occurred_at=noon(yesterday)),
    )
    wanted = LetterFilter(span=Span(yesterday, yesterday), notice="receipt")
    async with office.sessions() as session:
        found = await letters_matching(session, wanted, after=None, limit=9)

    assert [letter.key for letter in found] == [f"{HOLDER}/before/receipt"]


async def test_letters_at_a_standstill_are_listed_whatever_their_day(
    office: Office,
) -> None:
    long_ago = noon(date(2020, 1, 1))
    await office.add(
        *letters_of_each_state(),
        a_letter(
            state="queued", about="old", occurred_at=long_ago, changed_at=long_ago
        ),
    )
    async with office.sessions() as session:
        found = await letters_at_a_standstill(session, limit=9)

    assert [letter.state for letter in found] == ["queued"]


# ------------------------------------------------------------------------------- steps


async def test_the_steps_of_a_letter_are_kept_in_their_order_with_the_relays_words(
    office: Office,
) -> None:
    letter = a_letter(state="queued", occurred_at=real_now())
    await office.add(letter)
    for state, answer in (
        ("sending", None),
        ("deferred", "451 later"),
        ("sending", None),
        ("accepted", "250 2.0.0 Ok"),
    ):
        await change(office, letter.key, state=state, answer=answer)

    async with office.sessions() as session:
        steps = await steps_of(session, letter.key)

    assert [(step.state, step.answer) for step in steps] == [
        ("queued", None),
        ("sending", None),
        ("deferred", "451 later"),
        ("sending", None),
        ("accepted", "250 2.0.0 Ok"),
    ]
    assert sorted(step.at for step in steps) == [step.at for step in steps]


async def change(office: Office, key: str, **values: object) -> None:
    async with office.sessions.begin() as session:
        letter = await session.get_one(Letter, key)
        for name, value in values.items():
            setattr(letter, name, value)


async def test_no_step_comes_before_its_letter_fell_due_by_a_moved_clock(
    office: Office,
) -> None:
    in_two_years = real_now() + timedelta(days=730)
    early = a_letter("receipt", "queued", occurred_at=real_now())
    letter = a_letter(state="queued", occurred_at=in_two_years)
    await office.add(letter, early)
    async with office.sessions.begin() as session:
        await set_ahead(session, HOLDER, timedelta(days=740))
    await change(office, letter.key, state="accepted")

    async with office.sessions() as session:
        steps = await steps_in_dossier(session, HOLDER)
        until = await steps_in_dossier(session, HOLDER, until=in_two_years)
        after = await steps_in_dossier(session, HOLDER, after=in_two_years)

    assert [(s.notice, s.state) for s in steps] == [
        ("receipt", "queued"),
        ("reminder_30", "queued"),
        ("reminder_30", "accepted"),
    ]
    assert steps[1].at == in_two_years
    assert steps[2].at > in_two_years + timedelta(days=9)
    assert (*until, *after) == steps
    assert len(until) == 2


async def test_the_steps_of_a_dossier_are_its_own(office: Office) -> None:
    async with office.sessions() as session:
        assert await steps_in_dossier(session, HOLDER) == ()
    await office.add(a_letter())
    assert len(await office.rows(LetterEvent)) == 1
    async with office.sessions() as session:
        assert await steps_in_dossier(session, "CAR202600000009") == ()


# ---------------------------------------------------------------- what did not arrive


async def test_letters_to_post_speak_of_a_right_and_leave_with_their_task(
    office: Office,
) -> None:
    bounced = a_letter("expired", "bounced")
    refused = a_letter("suspended", "refused")
    closed = a_letter("cancelled", "bounced")
    receipt = a_letter("receipt", "bounced")
    settled = a_letter("renewed", "bounced")
    arrived = a_letter("reinstated", "delivered")
    await office.add(bounced, refused, closed, receipt, settled, arrived)
    await office.add(
        a_task(bounced.key, due_on=TODAY + 2 * DAYS, escalated=True),
        a_task(refused.key, "letter_refused", due_on=TODAY + DAYS),
        # A closed dossier hears of the bounce as a fact.
        a_task(f"bounce:{closed.key}", "fact_for_closed_dossier", due_on=TODAY),
        a_task(receipt.key),
        a_task(settled.key, closed_at=real_now()),
        a_task(arrived.key, "mail_to_read"),
    )

    async with office.sessions() as session:
        first = await letters_to_post(session, after=None, limit=2)
        last = first[-1]
        rest = await letters_to_post(
            session, after=(last.due_on, last.task_id), limit=9
        )

    assert [each.letter.notice for each in (*first, *rest)] == [
        "cancelled",
        "suspended",
        "expired",
    ]
    assert [each.escalated for each in (*first, *rest)] == [False, False, True]


async def test_a_letter_that_came_back_and_made_no_task_is_one_nobody_was_told_of(
    office: Office,
) -> None:
    yesterday = real_now() - timedelta(hours=25)
    back: dict[str, Any] = {"changed_at": yesterday, "occurred_at": yesterday}
    untold = a_letter("expired", "bounced", **back)
    with_task = a_letter("suspended", "refused", **back)
    settled = a_letter("renewed", "bounced", **back)
    closed = a_letter("cancelled", "bounced", **back)
    gone = a_letter("reminder_7", "refused", **back)
    just_now = a_letter("exam_lapsed", "bounced", occurred_at=yesterday)
    before = real_now() - 31 * DAYS
    long_ago = a_letter("refused", "bounced", **(back | {"occurred_at": before}))
    receipt = a_letter("receipt", "bounced", **back)
    await office.add(untold, with_task, settled, closed, gone)
    await office.add(just_now, long_ago, receipt)
    await office.add(
        a_task(with_task.key, "letter_refused"),
        a_task(settled.key, closed_at=real_now()),
        a_task(f"bounce:{closed.key}", "fact_for_closed_dossier"),
    )
    async with office.sessions.begin() as session:
        line = Line("letter_withdrawn", real_now(), "rule", {"letter": gone.key})
        await append(session, HOLDER, [line])

    async with office.sessions() as session:
        found = await letters_nobody_was_told_of(session, now=real_now(), limit=9)

    assert [letter.key for letter in found] == [untold.key]
