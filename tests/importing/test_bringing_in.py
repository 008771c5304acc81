"""Lines become dossiers with their stories, once, whatever is cut and told again."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.client import Client

from activities.upkeep import Upkeep
from engine import story_of
from intake.importing.faults import LineFault
from intake.importing.writing import BringingIn
from records.imports import (
    KEPT_FOR,
    ImportRow,
    RefusedLine,
    forget_old_imports,
    import_numbered,
    refusals_of,
)
from records.models import (
    Agency,
    Certificate,
    DossierRow,
    ExamResult,
    Letter,
    LinkRow,
    Person,
    TimelineEntry,
)
from records.timeline import verify_timeline
from rules.dossier import Phase
from tests.activities.office import Office
from tests.dossiers import OTHER_PERMIT, PERMIT
from tests.importing.sheets import a_line, say_yes, today
from tests.upkeep.server import a_closed_port, client_of
from tests.upkeep.sweeping import at_work, found, real_now, until
from workflows.renewal import RenewalWorkflow
from workflows.upkeep import Check, Mend


async def bring_in(
    office: Office, client: Client, *lines: Sequence[str], batch: int = 3
) -> ImportRow:
    import_id = await say_yes(office, *lines)
    await BringingIn(office.sessions, client, import_id, batch=batch).to_the_end()
    async with office.sessions() as session:
        row = await import_numbered(session, import_id)
    assert row is not None
    return row


async def codes(office: Office, row: ImportRow) -> list[str]:
    async with office.sessions() as session:
        refused = await refusals_of(session, row.import_id)
    return [fault["code"] for each in refused for fault in each.faults]


async def everything(office: Office) -> Counter[str]:
    tables = (DossierRow, Certificate, ExamResult, LinkRow, Person, TimelineEntry)
    return Counter({t.__name__: len(await office.rows(t)) for t in tables})


# ------------------------------------------------------------------- what is made


async def test_a_line_becomes_a_dossier_whose_story_sleeps(
    office: Office, temporal: Client
) -> None:
    line = a_line(permis=f"{PERMIT}|{OTHER_PERMIT}", langue="en")
    async with at_work(office, temporal):
        row = await bring_in(office, temporal, line)
        assert (row.made, row.there, row.refused) == (1, 0, 0)
        state = await story_of(temporal, line[0]).query(RenewalWorkflow.state)
    assert (state.phase, state.version) == (Phase.IN_FORCE, 1)
    kept = await office.one(DossierRow, line[0])
    assert (kept.phase, kept.version) == ("in_force", 1)
    assert kept.next_due_at == state.next_due_at is not None
    assert (await office.holder_of(line[0])).language == "en"
    assert (await office.one(Certificate, line[0])).status == "in_force"
    assert {link.permit for link in await office.rows(LinkRow)} == {
        PERMIT,
        OTHER_PERMIT,
    }
    (entry,) = await office.rows(TimelineEntry)
    assert (entry.what, entry.by) == ("imported", "staff:a")
    async with office.sessions() as session:
        assert await verify_timeline(session, line[0]) is None
    assert await office.rows(Letter) == []


@pytest.mark.parametrize(
    ("days_left", "link_ended", "phase", "letters"),
    [
        (500, False, Phase.IN_FORCE, []),
        (500, True, Phase.SUSPENDED, []),
        (0, False, Phase.EXPIRED, []),
        (-400, False, Phase.EXPIRED, []),
        # Of the steps that went by elsewhere the present one is written, and it alone.
        (5, False, Phase.IN_FORCE, ["reminder_7"]),
        (20, True, Phase.SUSPENDED, ["reminder_30"]),
    ],
)
async def test_a_certificate_goes_where_it_stands_and_no_wave_of_letters_leaves(
    office: Office,
    temporal: Client,
    days_left: int,
    link_ended: bool,
    phase: Phase,
    letters: list[str],
) -> None:
    echeance = today() + timedelta(days=days_left)
    ended = str(today() - timedelta(days=9)) if link_ended else ""
    line = a_line(echeance=echeance, lie_jusqu_au=ended)
    async with at_work(office, temporal):
        await bring_in(office, temporal, line)
        story = story_of(temporal, line[0])

        async def settled() -> bool:
            state = await story.query(RenewalWorkflow.state)
            written = [letter.notice for letter in await office.rows(Letter)]
            agenda = await story.query(RenewalWorkflow.show_agenda)
            left = [d for d in agenda if not d.settled and d.due_on < today()]
            return state.phase is phase and len(written) == len(letters) and not left

        await until(settled)
    written = [letter.notice for letter in await office.rows(Letter)]
    assert written == letters
    assert (await office.one(DossierRow, line[0])).phase == phase


async def test_a_permit_that_is_no_longer_valid_suspends(
    office: Office, temporal: Client
) -> None:
    lost_on = today() - timedelta(days=40)
    async with office.sessions.begin() as session:
        agency = await session.get_one(Agency, PERMIT)
        agency.permit_valid, agency.permit_changed_on = False, lost_on
    line = a_line()
    await bring_in(office, temporal, line)
    kept = await office.one(DossierRow, line[0])
    assert kept.phase == "suspended"
    assert kept.facts["permit_changes"] == [
        {"permit": PERMIT, "valid": False, "effective_on": str(lost_on)}
    ]


# ----------------------------------------------------------------- what is refused


async def test_lines_are_refused_against_what_is_kept_and_nothing_else_is_lost(
    office: Office, temporal: Client
) -> None:
    await bring_in(office, temporal, a_line(1))
    same_person = a_line(2)
    same_person[1:3] = a_line(1)[1:3]
    over = a_line(3, echeance=today() - timedelta(days=30))
    over[1:3] = a_line(1)[1:3]
    row = await bring_in(
        office,
        temporal,
        a_line(1, nom="Autre Nom"),
        same_person,
        a_line(4, permis="AR-9"),
        over,
        a_line(5, courriel="zoe"),
        a_line(6),
    )
    assert (row.made, row.there, row.refused) == (2, 0, 4)
    assert await codes(office, row) == [
        LineFault.NUMBER_TAKEN,
        LineFault.HOLDS_ANOTHER,
        LineFault.UNKNOWN_PERMIT,
        LineFault.BAD_EMAIL,
    ]
    first, third = await office.holder_of(a_line(1)[0]), await office.holder_of(over[0])
    assert first.person_id == third.person_id
    assert first.name == "Zoé Côté 1"


async def test_a_file_proves_nothing_so_no_account_is_given_a_dossier(
    office: Office, temporal: Client
) -> None:
    line = a_line()
    await office.add(
        Person(
            name=line[1],
            name_key="zoe cote 1",
            email=line[2],
            sign_in_subject="person:somebody",
        )
    )
    await bring_in(office, temporal, line)
    assert (await office.holder_of(line[0])).sign_in_subject is None


async def test_mended_lines_are_taken_and_the_rest_is_there(
    office: Office, temporal: Client
) -> None:
    wrong = a_line(2, courriel="zoe")
    await bring_in(office, temporal, a_line(1), wrong)
    row = await bring_in(office, temporal, a_line(1), a_line(2))
    assert (row.made, row.there, row.refused) == (1, 1, 0)
    assert await office.rows(RefusedLine) != []  # those of the first file


# ------------------------------------------------------------------ twice is as once


class Cut(Exception):  # noqa: N818 - what happens to the process
    """The process that brings a file in ends here."""


async def test_a_run_that_is_cut_anywhere_and_begun_again_makes_nothing_twice(
    office: Office, temporal: Client
) -> None:
    lines = [a_line(n) for n in range(1, 11)]
    import_id = await say_yes(office, *lines)
    cuts = 0
    for _ in range(40):
        bringing = BringingIn(office.sessions, temporal, import_id, batch=3)
        seen = 0

        def tell(_: ImportRow) -> None:
            nonlocal seen
            seen += 1
            if seen > 2:  # after a batch is kept, or after its stories are begun
                raise Cut

        try:
            await bringing.to_the_end(tell)
            break
        except Cut:
            cuts += 1
    assert cuts == 8  # four batches, each cut twice
    assert await everything(office) == Counter(
        {
            "DossierRow": 10,
            "Certificate": 10,
            "ExamResult": 10,
            "LinkRow": 10,
            "Person": 10,
            "TimelineEntry": 10,
        }
    )
    for line in lines:
        await story_of(temporal, line[0]).describe()
    row = await office.one(ImportRow, import_id)
    assert (row.made, row.there, row.refused) == (10, 0, 0)


async def test_two_who_bring_in_the_same_file_at_once_make_it_once(
    office: Office, temporal: Client
) -> None:
    import_id = await say_yes(office, *(a_line(n) for n in range(1, 21)))
    both = (BringingIn(office.sessions, temporal, import_id, batch=2) for _ in range(2))
    assert await asyncio.gather(*(each.to_the_end() for each in both)) == [20, 20]
    row = await office.one(ImportRow, import_id)
    assert (row.made, row.there, row.refused) == (20, 0, 0)
    assert (await everything(office))["DossierRow"] == 20


async def test_two_files_that_share_lines_make_them_once(
    office: Office, temporal: Client
) -> None:
    lines = [a_line(n) for n in range(1, 21)]
    ids = [await say_yes(office, *some) for some in (lines[:15], lines[5:])]
    await asyncio.gather(
        *(
            BringingIn(office.sessions, temporal, each, batch=2).to_the_end()
            for each in ids
        )
    )
    rows = [await office.one(ImportRow, each) for each in ids]
    assert sum(row.made for row in rows) == 20
    assert sum(row.there for row in rows) == 10


async def test_without_temporal_rows_wait_and_the_next_run_begins_their_stories(
    office: Office, temporal: Client
) -> None:
    away = await client_of(await a_closed_port())
    import_id = await say_yes(office, a_line())
    with pytest.raises(RuntimeError):
        await BringingIn(office.sessions, away, import_id).to_the_end()
    row = await office.one(ImportRow, import_id)
    assert (row.written, row.started, row.ended_at) == (1, 0, None)
    await BringingIn(office.sessions, temporal, import_id).to_the_end()
    await story_of(temporal, a_line()[0]).describe()


async def test_a_sweep_goes_on_with_a_file_that_nobody_brings_in(
    office: Office, temporal: Client
) -> None:
    import_id = await say_yes(office, a_line(1), a_line(2))
    async with at_work(office, temporal):
        report = await Upkeep(office.sessions, temporal).sweep(real_now())
        assert found(report, Check.IMPORTS) == [(import_id[:12], Mend.REPAIRED)]

        async def ended() -> bool:
            return (await office.one(ImportRow, import_id)).ended_at is not None

        await until(ended)
        again = await Upkeep(office.sessions, temporal).sweep(real_now())
    assert found(again, Check.IMPORTS) == []
    assert (await office.one(ImportRow, import_id)).made == 2


async def test_what_an_import_is_about_to_begin_is_not_a_lost_temporal(
    office: Office, temporal: Client
) -> None:
    import_id = await say_yes(office, *(a_line(n) for n in range(1, 31)))
    away = await client_of(await a_closed_port())
    with pytest.raises(RuntimeError):
        await BringingIn(office.sessions, away, import_id).to_the_end()
    report = await Upkeep(office.sessions, temporal).sweep(real_now(), thorough=True)
    assert found(report, Check.RUNNING) == []


async def test_old_files_are_forgotten_and_one_under_way_is_not(
    office: Office, temporal: Client
) -> None:
    done = (await bring_in(office, temporal, a_line(1), a_line(2, nom=""))).import_id
    under_way = await say_yes(office, a_line(3))
    async with office.sessions.begin() as session:
        kept_until = real_now() + KEPT_FOR - timedelta(minutes=1)
        assert await forget_old_imports(session, kept_until) == 0
        later = kept_until + timedelta(minutes=2)
        assert await forget_old_imports(session, later) == 1
    assert [row.import_id for row in await office.rows(ImportRow)] == [under_way]
    assert await office.rows(RefusedLine) == []
    assert done != under_way


async def test_a_file_that_nobody_said_yes_to_is_not_brought_in(
    office: Office, temporal: Client
) -> None:
    with pytest.raises(LookupError):
        await BringingIn(office.sessions, temporal, "0" * 64).to_the_end()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    orders=st.lists(
        st.lists(st.integers(1, 12), min_size=1, max_size=8), min_size=1, max_size=4
    ),
    batch=st.integers(1, 5),
)
async def test_whatever_files_say_the_same_of_each_there_is_one_dossier_of_each(
    office: Office, temporal: Client, orders: list[list[int]], batch: int
) -> None:
    before = {row.number for row in await office.rows(DossierRow)}
    told = {a_line(n)[0] for order in orders for n in order}
    for order in orders:
        row = await bring_in(office, temporal, *(a_line(n) for n in order), batch=batch)
        assert row.made + row.there == len(set(order))
        assert row.refused == len(order) - len(set(order))
    after = {row.number for row in await office.rows(DossierRow)}
    assert after == before | told
    counted = await everything(office)
    assert set(counted.values()) == {len(after)}
