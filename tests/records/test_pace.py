"""The pace of letters: as many as allowed in any minute, and nobody left behind."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from records.database import Sessions
from records.pace import (
    EVERY_LETTER,
    PAUSE,
    Lane,
    MailPace,
    Pace,
    Traveller,
    hold_back,
    pass_or_wait,
    take_turn,
)

FIRST, ORDINARY = Lane.FIRST, Lane.ORDINARY
START = datetime(2026, 11, 24, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SMALL = Pace(in_a_minute=20, in_a_minute_to_a_domain=8)
USUAL = Pace(in_a_minute=300, in_a_minute_to_a_domain=60)


@dataclass(frozen=True)
class Someone:
    """A letter that wants to leave, from *comes_at* seconds on."""

    domain: str = "courriel.example"
    lane: Lane = ORDINARY
    comes_at: float = 0.0
    useless_at: float | None = None


@dataclass
class Road:
    """The limits in memory, under a clock of the test: workers come when told to."""

    pace: Pace
    lateness: Callable[[], float] = lambda: 0.0
    away: tuple[float, float] = (0.0, 0.0)
    limits: dict[str, MailPace] = field(default_factory=dict)
    left: dict[int, float] = field(default_factory=dict)
    tries: Counter[int] = field(default_factory=Counter)

    def travel(self, people: Iterable[Someone]) -> None:
        """Let everybody come, and come back at the turns they are given."""
        travellers = list(people)
        coming = [(self._met(s.comes_at), i, False) for i, s in enumerate(travellers)]
        heapq.heapify(coming)
        while coming:
            at, i, has_waited = heapq.heappop(coming)
            turn = self._try(travellers[i], at, has_waited=has_waited)
            self.tries[i] += 1
            if turn is None:
                self.left[i] = at
            else:
                back_at = self._met(turn + self.lateness())
                heapq.heappush(coming, (back_at, i, True))

    def most_in_a_minute(self, of: Iterable[int]) -> int:
        """Count the fullest minute, its end not included."""
        times = sorted(self.left[i] for i in of)
        return max(sum(t <= each < t + 60 for each in times) for t in times)

    def _met(self, at: float) -> float:
        """Say when somebody is met who comes at an instant without workers."""
        begins, ends = self.away
        return ends if begins <= at < ends else at

    def _try(self, one: Someone, at: float, *, has_waited: bool) -> float | None:
        now = START + timedelta(seconds=at)
        useless_in = (
            None if one.useless_at is None else timedelta(seconds=one.useless_at - at)
        )
        turn = pass_or_wait(
            [self._limit(EVERY_LETTER, now), self._limit(one.domain, now)],
            self.pace,
            Traveller(one.lane, has_waited, useless_in),
            now,
        )
        return None if turn is None else (turn - START).total_seconds()

    def _limit(self, domain: str, now: datetime) -> MailPace:
        fresh = MailPace(
            domain=domain, next_at=now, first_until=now, ordinary_until=now
        )
        return self.limits.setdefault(domain, fresh)


def a_wave(letters: int, *, domains: int = 30, seconds: float = 60.0) -> list[Someone]:
    """Reminders of one morning, six of ten to one large provider."""
    return [
        Someone(
            "grand.example" if i % 10 < 6 else f"d{i % domains}.example",
            comes_at=seconds * i / letters,
        )
        for i in range(letters)
    ]


DOMAINS = st.sampled_from(["a.example", "b.example", "c.example"])
PEOPLE = st.lists(
    st.builds(
        Someone,
        domain=DOMAINS,
        lane=st.sampled_from(Lane),
        comes_at=st.floats(0, 120),
        useless_at=st.none() | st.floats(60, 4000),
    ),
    min_size=1,
    max_size=120,
)


@settings(deadline=None, max_examples=150)
@given(
    people=PEOPLE,
    seed=st.integers(0, 1000),
    late=st.sampled_from([0.0, 3.0, 40.0]),
    away=st.tuples(st.floats(0, 100), st.floats(0, 600)),
)
def test_no_minute_holds_more_than_allowed_and_everybody_leaves(
    people: list[Someone], seed: int, late: float, away: tuple[float, float]
) -> None:
    chance = Random(seed)
    begins, lasts = away
    road = Road(SMALL, lambda: chance.random() * late, away=(begins, begins + lasts))
    road.travel(people)
    assert road.left.keys() == set(range(len(people)))
    assert road.most_in_a_minute(road.left) <= SMALL.in_a_minute
    for domain in {one.domain for one in people}:
        to_it = [i for i, one in enumerate(people) if one.domain == domain]
        assert road.most_in_a_minute(to_it) <= SMALL.in_a_minute_to_a_domain


@pytest.mark.parametrize("late", [0.0, 5.0])
def test_a_wave_of_5000_takes_hardly_longer_than_the_pace_demands(late: float) -> None:
    chance = Random(7)
    road = Road(USUAL, lambda: chance.random() * late)
    wave = a_wave(5000)
    road.travel(wave)
    to_the_large_one = [i for i, one in enumerate(wave) if one.domain[0] == "g"]
    others = road.left.keys() - set(to_the_large_one)
    # 3000 at an even 60 in 70 seconds; 2000 at 300, less what goes to the large one.
    assert max(road.left[i] for i in to_the_large_one) < 3000 * 70 / 60 * 1.12
    assert max(road.left[i] for i in others) < 2000 * 70 / (300 - 60) * 1.12
    assert sum(road.tries.values()) < 2.5 * len(wave)
    assert road.most_in_a_minute(road.left) <= 300


def test_workers_that_were_away_do_not_make_up_for_it_in_a_burst() -> None:
    road = Road(USUAL, away=(30.0, 900.0))
    road.travel(a_wave(3000))
    assert road.most_in_a_minute(road.left) <= 300
    assert max(road.tries.values()) <= 6


def test_the_letters_of_one_person_never_wait() -> None:
    road = Road(USUAL)
    road.travel([Someone(lane=FIRST)] * 5)
    assert set(road.tries.values()) == {1}


def test_a_letter_of_the_first_lane_does_not_wait_for_a_wave() -> None:
    people = a_wave(3000)
    answers = [
        Someone("grand.example", FIRST, comes_at=300.0 + 10 * i) for i in range(60)
    ]
    road = Road(USUAL)
    road.travel([*people, *answers])
    waits = [road.left[3000 + i] - one.comes_at for i, one in enumerate(answers)]
    assert max(waits) == 0


def test_a_wave_of_the_first_lane_delays_the_ordinary_one_and_starves_nobody() -> None:
    people = [*a_wave(600), *(Someone("grand.example", FIRST) for _ in range(300))]
    road = Road(USUAL)
    road.travel(people)
    first = [road.left[i] for i in range(600, 900)]
    ordinary = [road.left[i] for i, p in enumerate(people[:600]) if p.domain[0] == "g"]
    assert max(first) < min(sorted(ordinary)[10:])
    assert max(ordinary) < (360 + 300) * 70 / 60 * 1.1


def test_a_large_provider_does_not_hold_up_letters_to_others() -> None:
    people = [Someone("grand.example") for _ in range(500)]
    people += [Someone(f"d{i}.example", comes_at=60.0 + 5 * i) for i in range(50)]
    road = Road(USUAL)
    road.travel(people)
    assert all(road.tries[i] == 1 for i in range(500, 550))


def test_nobody_overtakes_in_their_lane() -> None:
    people = [Someone(comes_at=0.01 * i) for i in range(100)]
    road = Road(USUAL)
    road.travel(people)
    assert sorted(road.left, key=lambda i: (road.left[i], i)) == list(range(100))


@pytest.mark.parametrize(
    ("useless_at", "waits"),
    [(3600.0, True), (1500.0, True), (1199.0, False), (60.0, False)],
)
def test_a_reminder_that_its_turn_would_make_useless_goes_first(
    useless_at: float, *, waits: bool
) -> None:
    """The line is 15 minutes long; five more are kept for workers that come late."""
    road = Road(USUAL)
    road.travel([Someone()])
    for limit in road.limits.values():
        limit.ordinary_until = START + timedelta(minutes=15)
    road.travel([Someone(useless_at=useless_at)])
    assert (road.left[0] > 0) is waits


# ------------------------------------------------------------------ in the database


async def passes(
    sessions: Sessions, domain: str, lane: Lane = FIRST, pace: Pace = SMALL
) -> timedelta | None:
    async with sessions.begin() as session:
        return await take_turn(session, domain, pace, Traveller(lane))


async def later(sessions: Sessions, by: timedelta) -> None:
    """Move the clock ahead, by moving back what is kept."""
    async with sessions.begin() as session:
        await session.execute(
            update(MailPace).values(
                next_at=MailPace.next_at - by,
                first_until=MailPace.first_until - by,
                ordinary_until=MailPace.ordinary_until - by,
            )
        )


async def test_a_turn_is_given_once_the_allowance_is_used(sessions: Sessions) -> None:
    waits = [await passes(sessions, "a.example") for _ in range(4)]
    assert waits[:2] == [None, None]
    # Eight in a minute are one in 8.75 s, of which ten may be run ahead.
    assert waits[2] is not None
    assert waits[3] is not None
    assert timedelta(seconds=7) < waits[2] < timedelta(seconds=8)
    assert waits[3] > waits[2] + timedelta(seconds=8)
    assert await passes(sessions, "b.example") is None
    await later(sessions, MINUTE)
    assert await passes(sessions, "a.example") is None


async def test_a_domain_told_too_many_is_held_back_and_no_other(
    sessions: Sessions,
) -> None:
    await passes(sessions, "a.example")
    await passes(sessions, "b.example")
    async with sessions.begin() as session:
        for _ in range(5):
            await hold_back(session, "a.example")
    assert await passes(sessions, "b.example") is None
    wait = await passes(sessions, "a.example")
    assert wait is not None
    assert PAUSE - timedelta(seconds=2) < wait <= PAUSE
    await later(sessions, PAUSE + timedelta(seconds=20))
    assert await passes(sessions, "a.example") is None


async def test_a_relay_told_too_many_is_held_back_for_every_domain(
    sessions: Sessions,
) -> None:
    await passes(sessions, "a.example")
    async with sessions.begin() as session:
        await hold_back(session, EVERY_LETTER)
    assert await passes(sessions, "b.example") is not None


async def test_a_domain_nobody_wrote_to_for_a_day_is_forgotten(
    sessions: Sessions,
) -> None:
    await passes(sessions, "a.example")
    await later(sessions, timedelta(days=2))
    await passes(sessions, "b.example")
    async with sessions() as session:
        kept = set(await session.scalars(select(MailPace.domain)))
    assert kept == {EVERY_LETTER, "b.example"}
