"""Who the person is has gone from the records while a dossier is open."""

from sqlalchemy import update
from temporalio.client import Client

from engine import begin
from intake.delivery import deliver
from records.models import DossierRow, Letter, Person, TaskRow
from rules.dossier import Phase
from tests.activities.office import Office
from tests.activities.relay_log import RelayLog
from tests.dossiers import NEWCOMER, a_newcomer
from tests.faults.ending import by, nothing_is_found
from tests.letters.relay import ScriptedRelay
from tests.upkeep.server import a_namespace
from tests.upkeep.sweeping import at_work, tell_nobody_yet, until

NAME = "Zephirine Quintal"


async def written_in(client: Client) -> bytes:
    """All that Temporal keeps of the newcomer's runs."""
    written = b""
    async for run in client.list_workflows(f"WorkflowId = '{NEWCOMER}'"):
        story = client.get_workflow_handle(run.id, run_id=run.run_id)
        history = await story.fetch_history()
        written += b"".join(event.SerializeToString() for event in history.events)
    return written


async def test_a_story_goes_on_without_an_address_and_a_person_is_told(
    office: Office, relay: ScriptedRelay, log: RelayLog, temporal_server: str
) -> None:
    """The facts stay and are acted upon; Temporal never knew who it is about."""
    client = await a_namespace(temporal_server)
    post = by(relay, log)
    await office.place(a_newcomer(), NAME)
    async with at_work(office, client, **post):
        await begin(client, NEWCOMER)
        async with office.sessions.begin() as session:
            await session.execute(update(Person).values(name="", name_key="", email=""))
        await tell_nobody_yet(office)
        assert await deliver(office.sessions, client, ["exam-1"]) == ()

        async def is_told() -> bool:
            return bool(await office.rows(TaskRow))

        await until(is_told)
        assert (await office.one(DossierRow, NEWCOMER)).phase == Phase.TO_FINALIZE
        states = {(row.state, row.answer) for row in await office.rows(Letter)}
        assert states == {("skipped", "no address")}
        assert [task.reason for task in await office.rows(TaskRow)] == [
            "letter_no_address"
        ]
        assert relay.taken == []
        await nothing_is_found(office, client, relay, **post)
        written = await written_in(client)
    assert b"exam-1" in written
    for word in ("zephirine", "quintal", "courriel.example"):
        assert word.encode() not in written.lower()
