"""Temporal's clock jumps a day ahead, or back: nothing before its day, nothing twice.

The server offers to move one story's clock, and that is what jumps here: timers fire
early while the database's clock, which decides the day, has not moved.
"""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import TimeSkipper

from activities.ahead import CLOCKS_TOO_FAR
from activities.certificates import Certificates
from activities.dossiers import Dossiers
from engine import begin, story_of
from records.clock import set_ahead
from records.models import Agency, Certificate, DossierRow, Letter
from rules.civil_time import add_years, civil_date, start_of
from rules.dossier import Kind, Phase
from tests.activities.attempt import a_post
from tests.activities.office import Office, a_record, run
from tests.activities.posting import failure_of, order, sending
from tests.activities.relay_log import RelayLog
from tests.dossiers import HOLDER, NEWCOMER, PERMIT, a_holder, a_newcomer
from tests.faults.ending import by, nothing_is_found
from tests.letters.relay import ScriptedRelay
from tests.upkeep.server import a_namespace
from tests.upkeep.sweeping import at_work, real_now, until
from workflows.messages import CertificateClaim, Posted

A_DAY = timedelta(days=1)


async def last_failure(client: Client) -> str:
    """Name the type of what the pending effect of the holder's story failed by."""
    told = await story_of(client, HOLDER).describe()
    failures = [
        pending.last_failure.application_failure_info.type
        for pending in told.raw_description.pending_activities
    ]
    return next(iter(failures), "")


async def test_a_certificate_does_not_end_before_its_day_when_the_server_jumps_ahead(
    office: Office, relay: ScriptedRelay, log: RelayLog, temporal_server: str
) -> None:
    client = await a_namespace(temporal_server)
    post = by(relay, log)
    echeance = civil_date(real_now() + timedelta(hours=1)) + A_DAY
    ends_in = start_of(echeance) - real_now()

    async def waits_for_the_day() -> bool:
        return await last_failure(client) == "AheadOfTime"

    async def has_ended() -> bool:
        letters = {row.notice: row.state for row in await office.rows(Letter)}
        return letters.get("expired") == "accepted"

    async with at_work(office, client, **post):
        await office.place(a_holder(echeance))
        await office.add(Agency(permit=PERMIT, name="Boréal", email="b@a.example"))
        await begin(client, HOLDER)
        story = story_of(client, HOLDER)
        jump = asyncio.create_task(
            TimeSkipper(client).fast_forward(story, ends_in + timedelta(hours=1))
        )
        await until(waits_for_the_day)
        assert (await office.one(DossierRow, HOLDER)).phase == Phase.IN_FORCE
        assert (await office.one(Certificate, HOLDER)).status == "in_force"
        assert "expired" not in {row.notice for row in await office.rows(Letter)}

        # The day comes: the database's clock is there too.
        async with office.sessions.begin() as session:
            await set_ahead(session, HOLDER, ends_in + timedelta(hours=1))
        await until(has_ended)
        await jump
        assert (await office.one(DossierRow, HOLDER)).phase == Phase.EXPIRED
        await nothing_is_found(office, client, relay, **post)


@pytest.mark.usefixtures("holder")
@pytest.mark.parametrize("ahead", [CLOCKS_TOO_FAR - timedelta(seconds=5), A_DAY])
async def test_no_letter_leaves_before_its_day_by_the_database(
    office: Office, relay: ScriptedRelay, ahead: timedelta
) -> None:
    post = a_post(relay.port, most_ahead=CLOCKS_TOO_FAR)
    letters = sending(office, post)
    early = order(occurred_at=real_now() + ahead)
    if ahead < CLOCKS_TOO_FAR:
        assert await run(letters.send_letter, early) is Posted.ACCEPTED
        return
    assert await failure_of(letters, early) == "AheadOfTime"
    assert relay.taken == []
    async with office.sessions.begin() as session:
        await set_ahead(session, HOLDER, ahead)
    assert await run(letters.send_letter, early) is Posted.ACCEPTED


async def test_no_certificate_begins_before_its_first_day_by_the_database(
    office: Office,
) -> None:
    await office.place(a_newcomer())
    certificates = Certificates(office.sessions, most_ahead=CLOCKS_TOO_FAR)
    start = civil_date(real_now() + timedelta(hours=1)) + A_DAY
    claim = CertificateClaim(
        dossier=NEWCOMER, kind=Kind.CAR, start=start, echeance=add_years(start, 2)
    )
    with pytest.raises(ApplicationError, match="not yet"):
        await run(certificates.claim_certificate, claim)
    assert await office.rows(Certificate) == []
    async with office.sessions.begin() as session:
        await set_ahead(session, NEWCOMER, 2 * A_DAY)
    assert await run(certificates.claim_certificate, claim) is True


@pytest.mark.usefixtures("holder")
async def test_nothing_is_kept_or_sent_twice_when_the_server_goes_back(
    office: Office, relay: ScriptedRelay, effects: Dossiers
) -> None:
    letters = sending(office, a_post(relay.port))
    record = a_record(a_holder(), letters=(order(),))
    an_hour_before = order(occurred_at=order().occurred_at - timedelta(hours=1))
    await run(effects.keep_record, record)
    assert await run(letters.send_letter, order()) is Posted.ACCEPTED

    again = record.model_copy(
        update={"at": an_hour_before.occurred_at, "letters": (an_hour_before,)}
    )
    await run(effects.keep_record, again)
    assert await run(letters.send_letter, an_hour_before) is Posted.ACCEPTED

    assert len(relay.taken) == len(await office.rows(Letter)) == 1
    assert (await office.one(DossierRow, HOLDER)).kept_at == record.at


@pytest.mark.usefixtures("holder")
async def test_where_clocks_are_moved_on_purpose_a_story_is_believed(
    office: Office, effects: Dossiers
) -> None:
    await run(effects.keep_record, a_record(a_holder(), at=real_now() + A_DAY))
    assert (await office.one(DossierRow, HOLDER)).version == 1
    strict = Dossiers(office.sessions, effects._client, most_ahead=CLOCKS_TOO_FAR)
    later = a_record(a_holder(), version=2, at=real_now() + A_DAY)
    with pytest.raises(ApplicationError, match="not yet"):
        await run(strict.keep_record, later)
    async with office.sessions.begin() as session:
        await set_ahead(session, HOLDER, timedelta())  # marked: it is about to move
    await run(strict.keep_record, later)
    assert (await office.one(DossierRow, HOLDER)).version == 2
