"""Letters leave at a pace that all workers keep together; none is left behind."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from temporalio.exceptions import ApplicationError

from activities.dossiers import Dossiers
from activities.letters import Letters
from activities.pacing import BY_THE_CALENDAR
from letters.facts import Notice
from records.database import make_engine, make_sessions
from records.models import Letter, LetterEvent, Person
from records.pace import EVERY_LETTER, PAUSE, MailPace, Pace
from tests.activities.attempt import HEAD, a_post
from tests.activities.office import Office, a_record, an_order, run
from tests.activities.posting import failure_of, order, read, sending
from tests.dossiers import HOLDER, NEWCOMER, TODAY, a_holder, a_newcomer, noon
from tests.letters.relay import Script, ScriptedRelay
from workflows.messages import LetterOrder, Posted
from workflows.postbox import UNTIL_USELESS

pytestmark = pytest.mark.usefixtures("holder")

SLOW = Pace(in_a_minute=20, in_a_minute_to_a_domain=12)
SECOND = timedelta(seconds=1)


def slowly(office: Office, relay: ScriptedRelay, pace: Pace = SLOW) -> Letters:
    return sending(office, a_post(relay.port, pace=pace))


def numbered(notice: str, number: int) -> LetterOrder:
    """One of many letters to the holder."""
    return order(notice, key=f"{HOLDER}/{number:04d}/{notice}")


def to_the_newcomer(notice: str, number: int) -> LetterOrder:
    """One of many letters to somebody at another provider."""
    key = f"{NEWCOMER}/{number:04d}/{notice}"
    return an_order(a_newcomer(), notice, key=key, echeance=a_holder().echeance)


async def wait_of(letters: Letters, ordered: LetterOrder) -> timedelta:
    """Send a letter that is not let pass; tell how long it waits."""
    with pytest.raises(ApplicationError) as problem:
        await run(letters.send_letter, ordered)
    assert problem.value.type == "Paced"
    assert not problem.value.non_retryable
    assert problem.value.next_retry_delay is not None
    return problem.value.next_retry_delay


async def fill(letters: Letters, notice: str = "reminder_30") -> LetterOrder:
    """Send letters until one has to wait, and give that one."""
    for number in range(100):
        ordered = numbered(notice, number)
        try:
            await run(letters.send_letter, ordered)
        except ApplicationError:
            return ordered
    raise AssertionError("nothing ever waits")


async def later(office: Office, by: timedelta) -> None:
    """Move the clock of the pace ahead, by moving back what is kept of it."""
    async with office.sessions.begin() as session:
        await session.execute(
            update(MailPace).values(
                next_at=MailPace.next_at - by,
                first_until=MailPace.first_until - by,
                ordinary_until=MailPace.ordinary_until - by,
            )
        )
        await session.execute(update(Letter).values(not_before=Letter.not_before - by))


async def move_newcomer_elsewhere(office: Office) -> None:
    await office.place(a_newcomer(), "Ana Cruz", "en")
    async with office.sessions.begin() as session:
        await session.execute(
            update(Person)
            .where(Person.name == "Ana Cruz")
            .values(email="ana@autre.example")
        )


async def test_a_letter_before_its_turn_is_not_claimed(
    office: Office, relay: ScriptedRelay
) -> None:
    letters = slowly(office, relay)
    waiting = await fill(letters)
    sent = len(relay.taken)
    row = await office.one(Letter, waiting.key)
    assert (row.state, row.fence) == ("queued", 0)
    assert row.not_before is not None
    assert row.not_before > row.queued_at
    assert len(relay.taken) == sent > 0


async def test_an_attempt_before_the_turn_takes_no_other(
    office: Office, relay: ScriptedRelay
) -> None:
    """A story that goes on to its next run takes up its letters at once."""
    letters = slowly(office, relay)
    waiting = await fill(letters)
    turn = (await office.one(Letter, waiting.key)).not_before
    limits = await office.rows(MailPace)
    waits = [await wait_of(letters, waiting) for _ in range(3)]
    assert max(waits) <= timedelta(seconds=10)
    assert (await office.one(Letter, waiting.key)).not_before == turn
    assert {(x.domain, x.next_at, x.ordinary_until) for x in limits} == {
        (x.domain, x.next_at, x.ordinary_until) for x in await office.rows(MailPace)
    }


async def test_a_letter_leaves_at_its_turn(
    office: Office, relay: ScriptedRelay
) -> None:
    letters = slowly(office, relay)
    waiting = await fill(letters)
    await later(office, await wait_of(letters, waiting))
    assert await run(letters.send_letter, waiting) is Posted.ACCEPTED
    row = await office.one(Letter, waiting.key)
    assert (row.state, row.not_before) == ("accepted", None)


async def test_what_answers_a_person_does_not_wait_for_reminders(
    office: Office, relay: ScriptedRelay
) -> None:
    letters = slowly(office, relay)
    await fill(letters)
    receipt = order("receipt", invoice_id="F-1")
    assert await run(letters.send_letter, receipt) is Posted.ACCEPTED


async def test_a_reminder_whose_window_ends_before_its_turn_goes_first(
    office: Office, relay: ScriptedRelay
) -> None:
    letters = slowly(office, relay)
    await fill(letters)
    async with office.sessions() as session:
        now = await session.scalar(select(func.clock_timestamp()))
    assert isinstance(now, datetime)
    last = order("reminder_14", useless_at=now + timedelta(minutes=3))
    assert await run(letters.send_letter, last) is Posted.ACCEPTED
    # It has left on what is kept free for the first lane: the next one must wait too.
    early = order("reminder_7", useless_at=now + timedelta(days=3))
    await wait_of(letters, early)


async def test_a_letter_withdrawn_while_it_waits_never_leaves(
    office: Office, relay: ScriptedRelay, effects: Dossiers
) -> None:
    letters = slowly(office, relay)
    waiting = await fill(letters)
    sent = len(relay.taken)
    await run(effects.keep_record, a_record(a_holder(), withdrawn=(waiting.key,)))
    assert await run(letters.send_letter, waiting) is Posted.SKIPPED
    assert len(relay.taken) == sent


@pytest.mark.parametrize(
    ("script", "holds_all"),
    [
        (Script(rcpt="451 4.7.0 rate limited, slow down"), False),
        (Script(dot="452 4.7.0 too many messages"), False),
        (Script(mail="421 4.7.0 too many messages from you"), True),
        (Script(greet="421 4.7.0 too many connections"), True),
    ],
    ids=lambda value: "" if isinstance(value, bool) else None,
)
async def test_a_relay_that_says_too_many_is_given_a_minute(
    office: Office, script: Script, *, holds_all: bool
) -> None:
    await move_newcomer_elsewhere(office)
    elsewhere = to_the_newcomer("cancelled", 1)
    async with ScriptedRelay([script, Script()]) as relay:
        letters = sending(office, a_post(relay.port))
        assert await failure_of(letters, order()) == "Deferred"
        wait = await wait_of(letters, numbered("expired", 1))
        assert PAUSE - 5 * SECOND < wait <= PAUSE
        if holds_all:
            await wait_of(letters, elsewhere)
        else:
            assert await run(letters.send_letter, elsewhere) is Posted.ACCEPTED
        await later(office, PAUSE + 10 * SECOND)
        assert await run(letters.send_letter, order()) is Posted.ACCEPTED


async def test_a_greylisting_relay_slows_nobody_down(office: Office) -> None:
    scripts = [Script(rcpt="450 4.7.1 greylisted, come back"), Script()]
    async with ScriptedRelay(scripts) as relay:
        letters = sending(office, a_post(relay.port))
        assert await failure_of(letters, order()) == "Deferred"
        for _ in range(2):
            assert await run(letters.send_letter, order()) is Posted.ACCEPTED


async def test_only_attempts_that_left_the_house_make_the_next_one_wait_longer(
    office: Office,
) -> None:
    async with ScriptedRelay([Script(rcpt="450 later")]) as relay:
        letters = slowly(office, relay)
        pauses = []
        for _ in range(3):
            with pytest.raises(ApplicationError) as problem:
                await run(letters.send_letter, order())
            assert problem.value.type == "Deferred"
            pauses.append(problem.value.next_retry_delay)
            await fill(letters)
            await wait_of(letters, order())
            await later(office, timedelta(minutes=2))
    first = UNTIL_USELESS.initial_interval
    assert pauses == [first, 2 * first, 4 * first]


def test_only_notices_with_days_to_go_wait_in_the_ordinary_line() -> None:
    assert set(Notice) > BY_THE_CALENDAR
    urgent = {"expired", "reminder_0", "reminder_1", "intended_refusal", "refused"}
    assert not urgent & BY_THE_CALENDAR


# ------------------------------------------------------------- two workers, one pace


@dataclass
class TwoWorkers:
    """Two workers with their own connections to one database, taken in turns."""

    office: Office
    workers: Sequence[Letters]
    ahead: timedelta = timedelta()

    async def round(self, orders: Sequence[LetterOrder]) -> list[LetterOrder]:
        """Attempt each letter, eight at once; give those that have not left."""
        few = asyncio.Semaphore(8)

        async def attempt(number: int, ordered: LetterOrder) -> LetterOrder | None:
            async with few:
                with suppress(ApplicationError):
                    await run(self.workers[number % 2].send_letter, ordered)
                    return None
            return ordered

        left = await asyncio.gather(*(attempt(*pair) for pair in enumerate(orders)))
        return [ordered for ordered in left if ordered is not None]

    async def wait(self, seconds: float) -> None:
        by = timedelta(seconds=seconds)
        await later(self.office, by)
        self.ahead += by


@pytest.fixture
async def two_workers(
    office: Office, relay: ScriptedRelay
) -> AsyncIterator[TwoWorkers]:
    engines = [make_engine(office.url) for _ in range(2)]
    post = a_post(relay.port, pace=SLOW)
    workers = [Letters(make_sessions(engine), post, HEAD) for engine in engines]
    yield TwoWorkers(office, workers)
    for worker, engine in zip(workers, engines, strict=True):
        await worker.connections.close()
        await engine.dispose()


async def test_two_workers_together_keep_the_pace_and_send_every_letter_once(
    office: Office, relay: ScriptedRelay, two_workers: TwoWorkers
) -> None:
    await move_newcomer_elsewhere(office)
    orders = [numbered("reminder_30", i) for i in range(24)]
    orders += [to_the_newcomer("reminder_30", i) for i in range(16)]
    left_at: list[tuple[timedelta, str]] = []
    waiting = orders
    while waiting:
        seen = len(left_at)
        waiting = await two_workers.round(waiting)
        left_at += await _departures(office, two_workers.ahead, after=seen)
        await two_workers.wait(7)
        assert two_workers.ahead < timedelta(minutes=5), "somebody is left behind"

    assert len(left_at) == len(orders) == len(relay.taken)
    assert len({read(taken)["Message-ID"] for taken in relay.taken}) == len(orders)
    assert _fullest_minute(left_at) <= SLOW.in_a_minute
    for domain in ("courriel.example", "autre.example"):
        to_it = [each for each in left_at if each[1].endswith(domain)]
        assert _fullest_minute(to_it) <= SLOW.in_a_minute_to_a_domain
    assert {x.domain for x in await office.rows(MailPace)} == {
        EVERY_LETTER,
        "courriel.example",
        "autre.example",
    }


async def _departures(
    office: Office, ahead: timedelta, *, after: int
) -> list[tuple[timedelta, str]]:
    """When, by the clock that was moved ahead, letters were claimed, and for whom."""
    claimed = (
        select(LetterEvent.at, Letter.recipient)
        .join(Letter, Letter.key == LetterEvent.letter)
        .where(LetterEvent.state == "sending")
        .order_by(LetterEvent.event_id)
        .offset(after)
    )
    async with office.sessions() as session:
        rows = (await session.execute(claimed)).all()
    return [(at - noon(TODAY) + ahead, recipient or "") for at, recipient in rows]


def _fullest_minute(left_at: list[tuple[timedelta, str]]) -> int:
    """Count the fullest minute but a second, which the way to the step may take."""
    span = timedelta(seconds=59)
    times = sorted(at for at, _ in left_at)
    return max(sum(begin <= t < begin + span for t in times) for begin in times)
