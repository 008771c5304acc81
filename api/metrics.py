"""What a scraper reads: how the letters and the records do, in numbers without names.

Asks the database alone, so that it answers while Temporal is away. No label names a
dossier, a person or an address.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from api.access import Operator
from api.parts import Parts, TheParts
from records.clock import database_now
from records.measures import LastSweep, Measure, last_ended_sweep, measures
from records.missed import missed_letters
from rules.civil_time import civil_date

router = APIRouter(tags=["health"], include_in_schema=False)

KEPT_FOR_S = 15.0
"""Scrapers, however many, cost the database one look in this time."""

_MISSED_LOOKED_AT = 1000


@router.get("/metrics")
async def read_metrics(
    request: Request, parts: TheParts, _caller: Operator
) -> Response:
    """Say in numbers how letters, messages, tasks, facts and dossiers do."""
    text = await request.app.state.scrapes.newest(parts)
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


class Scrapes:
    """The last answer, kept for a moment; one for the whole service."""

    def __init__(self) -> None:
        self._looking = asyncio.Lock()
        self._text = b""
        self._read_at: float | None = None

    async def newest(self, parts: Parts) -> bytes:
        """Give the last answer, or look anew once it is old."""
        async with self._looking:
            if self._read_at is None or time.monotonic() - self._read_at > KEPT_FOR_S:
                self._text = await _look(parts)
                self._read_at = time.monotonic()
        return self._text


async def _look(parts: Parts) -> bytes:
    async with parts.sessions() as session:
        now = await database_now(session)
        counted = await measures(session, civil_date(now))
        missed = await missed_letters(session, now=now, limit=_MISSED_LOOKED_AT)
        swept = await last_ended_sweep(session)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Look(now, counted, len(missed), swept))
    return generate_latest(registry)


@dataclass(frozen=True, slots=True, eq=False)  # a registry keeps collectors by identity
class _Look(Collector):
    """What one look at the database saw, as a scraper's library wants it."""

    now: datetime
    counted: Sequence[Measure]
    missed: int
    swept: LastSweep | None

    def collect(self) -> Iterable[Metric]:
        """Yield each family; one without a sample is named all the same."""
        yield from self._letters()
        yield from self._waiting()
        for what, name, says, labels in _PLAIN:
            family = GaugeMetricFamily(name, says, labels=labels)
            for measure in self._of(what):
                family.add_metric(_told(measure, len(labels)), measure.value)
            yield family
        yield from self._sweep()

    def _of(self, what: str) -> Iterator[Measure]:
        return (measure for measure in self.counted if measure.what == what)

    def _one(self, what: str) -> float:
        return next(self._of(what)).value

    def _letters(self) -> Iterator[Metric]:
        labels = ("notice", "state")
        today = GaugeMetricFamily(
            "echeance_letters_today",
            "Letters that fell due on this civil day, by state.",
            labels=labels,
        )
        week = GaugeMetricFamily(
            "echeance_letters_last_7_days",
            "Letters that fell due on this day and the six before, by state.",
            labels=labels,
        )
        sums: dict[tuple[str, ...], float] = {}
        for measure in self._of("letters"):
            told = tuple(_told(measure, len(labels)))
            sums[told] = sums.get(told, 0) + measure.value
            if measure.names[2] == "today":
                today.add_metric(told, measure.value)
        for told, value in sums.items():
            week.add_metric(told, value)
        return iter((today, week))

    def _waiting(self) -> Iterator[Metric]:
        still = self._one("letters_at_a_standstill")
        numbers = {
            "echeance_letters_waiting": (
                "Letters not yet handed over to the relay.",
                self._one("letters_waiting"),
            ),
            "echeance_letters_oldest_waiting_seconds": (
                "Age of the oldest letter not yet handed over; 0 without one.",
                self._one("oldest_letter"),
            ),
            "echeance_letters_unexplained": (
                "Letters due and not handed over of which nothing says why.",
                still + self.missed,
            ),
            "echeance_facts_waiting": (
                "Facts kept and not yet applied by their story.",
                self._one("facts_waiting"),
            ),
            "echeance_facts_oldest_waiting_seconds": (
                "Age of the oldest fact not yet applied; 0 without one.",
                self._one("oldest_fact"),
            ),
        }
        return (GaugeMetricFamily(name, *told) for name, told in numbers.items())

    def _sweep(self) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "echeance_sweep_age_seconds",
            "Time since the last sweep ended; without one, no sample.",
        )
        found = GaugeMetricFamily(
            "echeance_sweep_findings",
            "Findings of the last sweep, of the hundred it keeps.",
            labels=("check", "mend"),
        )
        if self.swept is not None:
            ago = (self.now - self.swept.ended_at).total_seconds()
            age.add_metric((), max(ago, 0.0))
            for told in sorted(set(self.swept.found)):
                found.add_metric(told, self.swept.found.count(told))
        return iter((age, found))


_PLAIN: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "mails",
        "echeance_mail_last_7_days",
        "Messages that came in, by what became of them.",
        ("outcome", "door"),
    ),
    ("tasks", "echeance_tasks_open", "Tasks that wait for a person.", ("reason",)),
    (
        "oldest_task",
        "echeance_tasks_oldest_open_seconds",
        "Age of the oldest open task; by a moved clock, 0.",
        ("reason",),
    ),
    ("dossiers", "echeance_dossiers_open", "Open dossiers.", ("phase",)),
)


def _told(measure: Measure, how_many: int) -> list[str]:
    return [name or "" for name in measure.names[:how_many]]
