"""A dossier that is told very much: short runs, and nothing lost between two."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from temporalio.client import Client

from engine import begin
from intake.delivery import deliver, store_fact
from records.models import DossierRow, FactRow, TaskRow
from tests.activities.office import Office
from tests.dossiers import NEWCOMER, a_newcomer
from tests.faults.ending import nothing_is_found
from tests.upkeep.server import a_server
from tests.upkeep.sweeping import at_work, until
from workflows.messages import EmailReceived, MailWish, Source

FACTS = int(os.environ.get("ECHEANCE_CHATTER", "200"))
EVENTS_A_RUN = 200
"""So many events, and the server suggests a new run; in production, thousands."""
AT_ONCE = 50
A_WHILE = timedelta(minutes=1)


def a_mail(n: int) -> EmailReceived:
    at = datetime.now(UTC)
    return EmailReceived(
        fact_id=f"mail:{n}",
        source=Source.MAIL,
        occurred_at=at,
        received_at=at,
        mail_id=f"mail-{n}",
        wish=MailWish.OTHER,
    )


async def tell(office: Office, client: Client, first: int, beyond: int) -> None:
    """Tell some facts, and every seventh of them twice."""
    told = [a_mail(n) for n in range(first, beyond)]
    async with office.sessions.begin() as session:
        for fact in told:
            await store_fact(session, NEWCOMER, fact)
    ids = [fact.fact_id for fact in told]
    twice = [*ids, *ids[::7]]
    assert await deliver(office.sessions, client, twice, limit=A_WHILE) == ()


@pytest.mark.timeout(600)
async def test_a_dossier_that_is_told_much_hears_each_fact_once_over_several_runs(
    office: Office,
) -> None:
    suggested = f"limit.historyCount.suggestContinueAsNew={EVENTS_A_RUN}"
    heard = select(func.count()).where(FactRow.state == "applied")

    async def all_heard() -> bool:
        async with office.sessions() as session:
            return await session.scalar(heard) == FACTS

    flag = ("--dynamic-config-value", suggested)
    async with a_server(extra=flag) as client, at_work(office, client):
        await office.place(a_newcomer())
        await begin(client, NEWCOMER)
        for first in range(0, FACTS, AT_ONCE):
            await tell(office, client, first, min(first + AT_ONCE, FACTS))
        await until(all_heard, patience_s=500)
        tasks = [task.about for task in await office.rows(TaskRow)]
        assert sorted(map(str, tasks)) == sorted(f"mail-{n}" for n in range(FACTS))
        assert (await office.one(DossierRow, NEWCOMER)).needs_staff
        assert await _runs(client) >= 2
        await nothing_is_found(office, client)


async def _runs(client: Client) -> int:
    listed = client.list_workflows(f"WorkflowId = '{NEWCOMER}'")
    return len([run async for run in listed])
