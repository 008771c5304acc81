"""The ledger: what fell due is handed over, explained, or said to be unexplained."""

from datetime import UTC, date, datetime, timedelta

import pytest

from records.ledger import (
    HANDED_OVER,
    OF_LETTERS,
    STANDSTILL_AFTER,
    UNEXPLAINED,
    Count,
    Fate,
    Span,
    days_with_letters,
    letters_on_their_way,
    tallies,
    together,
)
from records.missed import Missed
from records.models import Letter
from records.timeline import Line, append
from records.trails import LetterFilter, fate_numbered, letters_matching
from rules.civil_time import start_of
from tests.activities.office import Office, run
from tests.activities.posting import by, order
from tests.dossiers import HOLDER, TODAY, a_holder, noon
from tests.kept import a_letter, a_task, letters_of_each_state, real_now
from tests.letters.relay import ScriptedRelay

OF_TODAY = Span(TODAY, TODAY)
A_SECOND = timedelta(seconds=1)


async def counted(
    office: Office, span: Span = OF_TODAY, *missed: Missed
) -> dict[tuple[date, str], Count]:
    async with office.sessions() as session:
        found = await tallies(session, span, missed)
    return {(tally.day, tally.notice): tally.count for tally in found}


async def all_of(office: Office) -> Count:
    return together((await counted(office)).values())


async def test_each_letter_meets_one_fate_and_the_fates_add_up_to_what_was_due(
    office: Office,
) -> None:
    await office.place(a_holder())
    await office.add(*letters_of_each_state())

    count = (await counted(office))[TODAY, "reminder_30"]

    assert count.due == 11
    assert count.handed_over == 3
    assert count.unexplained == 0
    assert {fate: count[fate] for fate in Fate if count[fate]} == {
        Fate.ACCEPTED: 1,
        Fate.DELIVERED: 1,
        Fate.BOUNCED: 1,
        Fate.REFUSED: 1,
        Fate.ON_ITS_WAY: 4,
        Fate.WITHDRAWN: 1,
        Fate.USELESS: 1,
        Fate.NO_ADDRESS: 1,
    }
    explained = set(Fate) - HANDED_OVER - UNEXPLAINED
    left = sum(count[fate] for fate in explained)
    assert count.due - count.handed_over == left + count.unexplained


async def test_a_list_of_a_fate_holds_as_many_letters_as_the_ledger_counts(
    office: Office,
) -> None:
    await office.place(a_holder())
    await office.add(*letters_of_each_state())
    await office.add(
        *(
            a_letter(state="queued", about=f"still-{i}", changed_at=long_ago())
            for i in range(2)
        )
    )

    count = await all_of(office)

    async with office.sessions() as session:
        for fate in OF_LETTERS:
            wanted = LetterFilter(span=OF_TODAY, fates=frozenset({fate}))
            listed = await letters_matching(session, wanted, after=None, limit=50)
            assert [each.fate for each in listed] == [fate] * count[fate]


def long_ago() -> datetime:
    return real_now() - STANDSTILL_AFTER - timedelta(minutes=1)


# ---------------------------------------------------------------------------- the days


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 11, 24, 4, 59, 59, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 11, 24, 5, 0, tzinfo=UTC), date(2026, 11, 24)),
        (datetime(2026, 11, 25, 4, 59, 59, tzinfo=UTC), date(2026, 11, 24)),
        # The clocks go back on 1 November: the day has 25 hours.
        (datetime(2026, 11, 1, 3, 59, 59, tzinfo=UTC), date(2026, 10, 31)),
        (datetime(2026, 11, 1, 4, 0, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 11, 2, 4, 59, 59, tzinfo=UTC), date(2026, 11, 1)),
    ],
    ids=str,
)
async def test_a_letter_is_counted_on_its_day_in_quebec(
    office: Office, at: datetime, day: date
) -> None:
    await office.place(a_holder())
    await office.add(a_letter(occurred_at=at))

    found = await counted(office, Span(date(2026, 10, 30), date(2026, 11, 26)))

    assert list(found) == [(day, "reminder_30")]


async def test_days_outside_of_the_span_are_not_counted(office: Office) -> None:
    await office.place(a_holder())
    edges = [start_of(TODAY) - A_SECOND, start_of(TODAY + timedelta(days=1))]
    await office.add(
        *(a_letter(about=str(at), occurred_at=at) for at in edges),
        a_letter(),
    )

    assert (await all_of(office)).due == 1


async def test_the_newest_days_come_first_and_the_older_ones_follow_without_a_gap(
    office: Office,
) -> None:
    await office.place(a_holder())
    days = [TODAY - timedelta(days=n) for n in (0, 1, 5, 30, 400)]
    await office.add(
        *(
            a_letter(about=f"{day}-{n}", occurred_at=noon(day))
            for day in days
            for n in (1, 2)
        )
    )
    await supersede(office, noon(TODAY - timedelta(days=60)))

    async with office.sessions() as session:
        first = await days_with_letters(session, before=None, how_many=3)
        rest = await days_with_letters(session, before=first[-1], how_many=9)

    assert first == tuple(days[:3])
    assert rest == (days[3], TODAY - timedelta(days=60), days[4])


# ------------------------------------------------------------------- superseded, missed


async def supersede(office: Office, due_at: datetime) -> None:
    """Note a step as a story does, at noon of today."""
    detail = {"notice": "reminder_60", "due_at": str(due_at)}
    async with office.sessions.begin() as session:
        line = Line("superseded", noon(TODAY), "rule", detail)
        await append(session, HOLDER, [line])


async def test_a_superseded_step_was_due_on_its_own_day_and_is_explained(
    office: Office,
) -> None:
    await office.place(a_holder())
    day = date(2026, 10, 10)
    await supersede(office, start_of(day))
    await supersede(office, start_of(day) - A_SECOND)

    found = await counted(office, Span(day, TODAY))

    assert list(found) == [(day, "reminder_60")]
    count = found[day, "reminder_60"]
    assert (count.due, count[Fate.SUPERSEDED], count.unexplained) == (1, 1, 0)


async def test_a_duty_that_nobody_did_was_due_and_is_unexplained(
    office: Office,
) -> None:
    missed = Missed("key", HOLDER, "reminder_7", noon(TODAY))
    older = Missed("old", HOLDER, "reminder_14", noon(TODAY - timedelta(days=1)))

    found = await counted(office, OF_TODAY, missed, older)

    assert list(found) == [(TODAY, "reminder_7")]
    count = found[TODAY, "reminder_7"]
    assert (count.due, count.handed_over, count.unexplained) == (1, 0, 1)


# -------------------------------------------------------------------------- standstill


@pytest.mark.parametrize("state", ["queued", "sending", "deferred", "unknown"])
@pytest.mark.parametrize(
    ("short_of", "turn_short_of", "fate"),
    [
        (timedelta(minutes=1), None, Fate.ON_ITS_WAY),
        (-timedelta(minutes=1), None, Fate.STANDSTILL),
        # It waited for its turn, which came an hour and 59 minutes ago.
        (-timedelta(hours=9), timedelta(minutes=1), Fate.ON_ITS_WAY),
        (-timedelta(hours=9), -timedelta(minutes=1), Fate.STANDSTILL),
    ],
    ids=["moved lately", "still", "its turn came lately", "its turn is long past"],
)
async def test_a_letter_that_nothing_moves_is_unexplained(
    office: Office,
    state: str,
    short_of: timedelta,
    turn_short_of: timedelta | None,
    fate: Fate,
) -> None:
    await office.place(a_holder())
    limit = real_now() - STANDSTILL_AFTER
    letter = a_letter(
        state=state,
        changed_at=limit + short_of,
        not_before=None if turn_short_of is None else limit + turn_short_of,
    )
    await office.add(letter)

    count = await all_of(office)

    assert count.by_fate == {fate: 1}
    assert count.unexplained == (fate is Fate.STANDSTILL)


async def test_a_letter_in_doubt_that_a_person_has_is_not_at_a_standstill(
    office: Office,
) -> None:
    await office.place(a_holder())
    letter = a_letter("receipt", "unknown", changed_at=long_ago())
    deferred = a_letter("invoice", "deferred", changed_at=long_ago())
    await office.add(letter, deferred)
    await office.add(
        a_task(letter.key, "letter_unknown"), a_task(deferred.key, "letter_unknown")
    )

    found = await counted(office)

    assert found[TODAY, "receipt"].by_fate == {Fate.ON_ITS_WAY: 1}
    assert found[TODAY, "invoice"].by_fate == {Fate.STANDSTILL: 1}


async def test_the_ledger_knows_the_words_of_the_sender_for_nobody_to_write_to(
    office: Office,
) -> None:
    await office.place(a_holder())
    ordered = order("link_requested", link_id="link-of-nobody")
    async with ScriptedRelay() as relay:
        await run(by(office, relay).send_letter, ordered)

    async with office.sessions() as session:
        assert await fate_numbered(session, ordered.key) is Fate.NO_ADDRESS
    assert (await office.one(Letter, ordered.key)).state == "skipped"


async def test_what_is_on_its_way_is_told_by_what_holds_it(office: Office) -> None:
    await office.place(a_holder())
    old, older = (real_now() - timedelta(hours=hours) for hours in (3, 30))
    await office.add(
        *letters_of_each_state(),
        a_letter(state="deferred", about="first", queued_at=old),
        a_letter(state="queued", about="still", queued_at=older, changed_at=long_ago()),
    )

    async with office.sessions() as session:
        found = await letters_on_their_way(session)

    assert (found.leaving, found.deferred, found.in_doubt) == (2, 2, 1)
    assert (found.standstill, found.waiting, found.oldest_at) == (1, 5, old)
