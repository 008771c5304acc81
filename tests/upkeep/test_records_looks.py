"""R11, R12, R13: permits, histories and clocks, looked at without Temporal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text, update
from temporalio.client import Client

from activities.sayings import finding
from activities.sweeping_records import RecordsSweep
from records.models import Agency, FactRow, LinkRow, TimelineEntry
from records.timeline import Line, append
from rules.civil_time import civil_date
from rules.dossier import Dossier
from tests.activities.office import Office
from tests.dossiers import HOLDER, PERMIT, a_holder, noon
from tests.upkeep.sweeping import real_now, set_row
from workflows.upkeep import Check, Disagreement, Mend

PERSON = Mend.FOR_A_PERSON
DAY = timedelta(days=1)
UNGUARDED = text("SET LOCAL session_replication_role = replica")


@dataclass
class Looking:
    """Looks at the records, on one day after the other, heads kept in *folder*."""

    office: Office
    client: Client
    folder: Path
    findings: list[Disagreement] = field(default_factory=list)

    def sweep(self, days_later: int = 0) -> RecordsSweep:
        self.findings.clear()
        return RecordsSweep(
            self.office.sessions,
            self.client,
            real_now() + days_later * DAY,
            self._found,
            self.folder,
            b"secret",
        )

    async def histories(self, days_later: int = 0, *, whole: bool = True) -> list[str]:
        await self.sweep(days_later).read_histories(whole=whole)
        return [f"{found.about} {found.code}" for found in self.findings]

    async def permits(self) -> list[tuple[str, Mend]]:
        await self.sweep().tell_of_permits()
        assert all(found.check is Check.PERMITS for found in self.findings)
        return [(found.code, found.mend) for found in self.findings]

    def _found(self, *args: Any, **values: Any) -> None:
        self.findings.append(finding(*args, **values))


@pytest.fixture
def looking(office: Office, temporal_away: Client, tmp_path: Path) -> Looking:
    return Looking(office, temporal_away, tmp_path / "heads")


async def with_history(office: Office, how_many: int = 3) -> None:
    await office.place(a_holder())
    async with office.sessions.begin() as session:
        lines = [
            Line(f"what {n}", noon(date(2026, 11, n)), "rule", {"n": str(n)})
            for n in range(1, how_many + 1)
        ]
        await append(session, HOLDER, lines)


async def change(office: Office, position: int, **values: Any) -> None:
    async with office.sessions.begin() as session:
        await session.execute(UNGUARDED)
        where = (TimelineEntry.dossier == HOLDER, TimelineEntry.position == position)
        await session.execute(update(TimelineEntry).where(*where).values(**values))


async def cut(office: Office, positions: Sequence[int]) -> None:
    async with office.sessions.begin() as session:
        await session.execute(UNGUARDED)
        await session.execute(
            delete(TimelineEntry).where(TimelineEntry.position.in_(positions))
        )


async def test_a_sound_history_is_not_spoken_of_however_it_grows(
    looking: Looking,
) -> None:
    await with_history(looking.office)
    assert await looking.histories() == []
    async with looking.office.sessions.begin() as session:
        await append(
            session, HOLDER, [Line("more", noon(date(2026, 11, 9)), "rule", {})]
        )
    assert await looking.histories(1) == []


async def test_a_line_changed_with_care_is_seen_once_every_hash_is_computed(
    looking: Looking,
) -> None:
    await with_history(looking.office)
    await change(looking.office, 2, detail={"n": "9"})
    assert await looking.histories(whole=False) == []
    assert await looking.histories(1) == [f"{HOLDER} hash_false"]


@pytest.mark.parametrize("gone", [[1], [2], [1, 2]], ids=str)
async def test_a_line_taken_out_is_seen_by_those_after_it(
    looking: Looking, gone: list[int]
) -> None:
    await with_history(looking.office)
    await cut(looking.office, gone)
    assert await looking.histories(whole=False) == [f"{HOLDER} out_of_place"]


@pytest.mark.parametrize("gone", [[3], [2, 3], [1, 2, 3]], ids=str)
async def test_an_end_cut_off_is_told_by_the_heads_of_an_earlier_day_for_ever(
    looking: Looking, gone: list[int]
) -> None:
    await with_history(looking.office)
    assert await looking.histories() == []
    await cut(looking.office, gone)
    for days_later in (1, 2, 9):
        assert await looking.histories(days_later) == [f"{HOLDER} end_gone"]


async def test_heads_that_somebody_changed_are_not_believed(looking: Looking) -> None:
    await with_history(looking.office)
    await looking.histories()
    (file,) = looking.folder.glob("*.heads")
    file.write_text(file.read_text().replace(f"{HOLDER} 3 ", f"{HOLDER} 2 "))
    assert await looking.histories(1) == [f"{file.name} heads_bad"]


async def test_heads_that_cannot_be_written_are_spoken_of(looking: Looking) -> None:
    looking.folder.touch()
    assert await looking.histories() == ["heads heads_away"]


# -------------------------------------------------------------------- the register


async def linked(office: Office, **register: Any) -> None:
    dossier: Dossier = a_holder()
    await office.place(dossier)
    said = {"name": "Boréal", "email": "b@a.example", "permit": PERMIT} | register
    await office.add(
        *([Agency(**said)] if said["permit"] else []),
        LinkRow(
            link_id="link-1", dossier=HOLDER, permit=PERMIT, since=date(2024, 12, 10)
        ),
    )


async def test_a_permit_as_the_dossier_believes_it_is_not_spoken_of(
    looking: Looking,
) -> None:
    await linked(looking.office, permit_changed_on=date(2026, 1, 5))
    assert await looking.permits() == []


@pytest.mark.parametrize("day", [date(2026, 11, 20), None], ids=str)
async def test_a_permit_lost_in_the_register_alone_becomes_one_fact(
    looking: Looking, day: date | None
) -> None:
    await linked(looking.office, permit_valid=False, permit_changed_on=day)
    # Temporal is away: the fact is kept all the same, and a person is told.
    assert await looking.permits() == [("permit_not_valid", PERSON)]
    assert await looking.permits() == []  # it is on its way

    (fact,) = await looking.office.rows(FactRow)
    seen = day or civil_date(real_now())
    assert fact.fact_id == f"permit:{PERMIT}:{seen}:False:{HOLDER}"
    assert fact.body["effective_on"] == seen.isoformat()
    assert (await looking.office.one(Agency, PERMIT)).permit_changed_on == seen


async def test_an_agency_gone_from_the_register_is_given_to_a_person(
    looking: Looking,
) -> None:
    await linked(looking.office, permit=None)
    assert await looking.permits() == [("permit_unknown", PERSON)]


async def test_a_closed_dossier_is_told_of_no_permit(looking: Looking) -> None:
    await linked(looking.office, permit_valid=False)
    await set_row(looking.office, HOLDER, phase="closed")
    assert await looking.permits() == []


# ---------------------------------------------------------------------- the clocks


@pytest.mark.parametrize(
    ("apart", "code"),
    [(29, None), (31, "clocks_apart"), (-31, "clocks_apart"), (301, "mail_held")],
)
async def test_a_temporal_whose_clock_is_wrong_is_given_to_a_person(
    looking: Looking, apart: int, code: str | None
) -> None:
    now = real_now()
    await looking.sweep().compare_clocks(now + timedelta(seconds=apart), now)
    assert [found.code for found in looking.findings] == ([code] if code else [])
