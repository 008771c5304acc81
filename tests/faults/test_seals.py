"""Keys of what enters Temporal: replaced, taken too early, lacking in a process."""

import secrets
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import WorkflowSerializationContext

from activities.upkeep import Upkeep
from engine import begin, connect, seals_in_use, story_of
from intake.delivery import deliver, store_fact
from opened import history_told
from records.models import DossierRow
from rules.dossier import Phase
from seals import KeyGone, NotSealed, SealBroken, Seals, keys_in_use
from tests.activities.office import Office
from tests.dossiers import NEWCOMER, a_newcomer
from tests.faults.ending import nothing_is_found, settings_at
from tests.upkeep.server import a_namespace, a_server
from tests.upkeep.sweeping import an_exam, at_work, has_applied, real_now, until
from workflows.effects import RENEWALS
from workflows.messages import Cancel
from workflows.renewal import RenewalWorkflow
from workflows.upkeep import Check, ReconciliationWorkflow

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
PAYLOAD = Payload(metadata={"encoding": b"json/plain"}, data=b'"2026-12-10"')


def said(**keys: bytes) -> str:
    return ",".join(f"{name}={b64encode(key).decode()}" for name, key in keys.items())


async def a_client(office: Office, space: Client, keys: str) -> Client:
    """A process of ours that is given these keys, or none."""
    more = {"ECHEANCE_TEMPORAL_KEYS": keys} if keys else {}
    return await connect(settings_at(office, space, **more))


async def tell(office: Office, client: Client, fact_id: str) -> None:
    async with office.sessions.begin() as session:
        await store_fact(session, NEWCOMER, an_exam(fact_id))
    assert await deliver(office.sessions, client, [fact_id]) == ()


async def failed_by(client: Client) -> tuple[str, str]:
    """Why the last workflow task of the newcomer's story failed, if one did."""
    history = await story_of(client, NEWCOMER).fetch_history()
    failures = [
        event.workflow_task_failed_event_attributes.failure for event in history.events
    ]
    kinds = [(f.application_failure_info.type, f.message) for f in failures]
    return next((kind for kind in reversed(kinds) if kind[0]), ("", ""))


async def test_what_is_not_sealed_for_its_workflow_by_our_keys_is_refused() -> None:
    mine = Seals({"new": NEW, "old": OLD}, owner=NEWCOMER)
    (sealed,) = await mine.encode([PAYLOAD])
    assert b"2026" not in sealed.SerializeToString()
    assert await mine.decode([sealed]) == [PAYLOAD]
    with pytest.raises(NotSealed):
        await mine.decode([PAYLOAD])
    with pytest.raises(KeyGone, match="key new,"):
        await Seals({"old": OLD}, owner=NEWCOMER).decode([sealed])
    for length in range(len(sealed.data)):
        cut = Payload(metadata=sealed.metadata, data=sealed.data[:length])
        with pytest.raises(SealBroken):
            await mine.decode([cut])
    for bit in range(8 * len(sealed.data)):
        touched = bytearray(sealed.data)
        touched[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            await mine.decode([Payload(metadata=sealed.metadata, data=bytes(touched))])
    other = WorkflowSerializationContext(namespace="x", workflow_id="CAR209900000001")
    with pytest.raises(SealBroken):
        await mine.with_context(other).decode([sealed])


async def test_what_one_run_of_a_schedule_leaves_opens_in_the_next() -> None:
    first, second = (
        WorkflowSerializationContext(namespace="x", workflow_id=f"reconciliation-{n}")
        for n in (1, 2)
    )
    seals = Seals({"new": NEW})
    sealed = await seals.with_context(first).encode([PAYLOAD])
    assert await seals.with_context(second).decode(sealed) == [PAYLOAD]
    of_a_dossier = WorkflowSerializationContext(namespace="x", workflow_id=NEWCOMER)
    with pytest.raises(SealBroken):
        await seals.with_context(of_a_dossier).decode(sealed)


async def test_a_story_goes_on_under_a_new_key_and_the_old_one_is_known_to_be_needed(
    office: Office, temporal_server: str
) -> None:
    space = await a_namespace(temporal_server)
    await office.place(a_newcomer())
    before = await a_client(office, space, said(old=OLD))
    async with at_work(office, before):
        await begin(before, NEWCOMER)
        await tell(office, before, "exam-1")
        await until(lambda: has_applied(office))
    used = await keys_in_use(before)
    assert used.keys() == {"old"}

    keys = said(new=NEW, old=OLD)
    after = await a_client(office, space, keys)
    async with at_work(office, after):
        await tell(office, after, "exam-2")
        await until(lambda: has_applied(office, "exam-2"))
        await nothing_is_found(office, after, ECHEANCE_TEMPORAL_KEYS=keys)
        # Updates, queries and the sweep's own story are sealed as well.
        cancel = Cancel(command_id="c-1", by="person")
        story = story_of(after, NEWCOMER)
        view = await story.execute_update(RenewalWorkflow.cancel, cancel)
        assert view.phase is Phase.CLOSED
        swept = await after.execute_workflow(
            ReconciliationWorkflow.run, id="a-sweep", task_queue=RENEWALS
        )
        assert swept.for_a_person == 0
    settings = settings_at(office, space, ECHEANCE_TEMPORAL_KEYS=keys)
    assert await seals_in_use(settings) == {**used, "new": 2}
    history = await story.fetch_history()
    written = b"".join(event.SerializeToString() for event in history.events)
    assert b"passed_on" not in written
    assert b"result-1" not in written
    assert b"Dossier CAR" not in written  # what its pages show as a title
    # An operator who has the keys reads it; who lacks one is told which.
    told = "\n".join(await history_told(settings, NEWCOMER))
    assert '"fact_id":"exam-2"' in told
    assert "passed_on" in told
    keyless = settings_at(office, space, ECHEANCE_TEMPORAL_KEYS=said(other=OLD))
    told = "\n".join(await history_told(keyless, NEWCOMER))
    assert "[a payload is sealed with key new, which is not given]" in told
    assert "exam-2" not in told


@pytest.fixture
async def impatient() -> AsyncIterator[Client]:
    """A server that reports the first failed task; by itself it waits for five."""
    said = "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=1"
    async with a_server(extra=("--dynamic-config-value", said)) as client:
        yield client


async def test_a_key_taken_away_too_early_is_named_and_its_story_waits_for_it(
    office: Office, impatient: Client
) -> None:
    space = impatient
    await office.place(a_newcomer())
    before = await a_client(office, space, said(old=OLD))
    async with at_work(office, before):
        await begin(before, NEWCOMER)
        await tell(office, before, "exam-1")
        await until(lambda: has_applied(office))
    version = (await office.one(DossierRow, NEWCOMER)).version

    too_early = await a_client(office, space, said(new=NEW))
    async with at_work(office, too_early):
        await tell(office, too_early, "exam-2")

        async def is_reported() -> bool:
            upkeep = Upkeep(office.sessions, too_early)
            report = await upkeep.sweep(real_now(), thorough=True)
            return [
                each.about
                for each in report.findings
                if each.check is Check.PROBLEMS and "key old, which" in each.what
            ] == [NEWCOMER]

        await until(is_reported)
    assert (await office.one(DossierRow, NEWCOMER)).version == version

    keys = said(new=NEW, old=OLD)
    given_back = await a_client(office, space, keys)
    async with at_work(office, given_back):
        await until(lambda: has_applied(office, "exam-2"))
        await nothing_is_found(office, given_back, ECHEANCE_TEMPORAL_KEYS=keys)


async def test_what_a_process_without_keys_tells_is_refused_and_heard_after_all(
    office: Office, temporal_server: str
) -> None:
    """Its signal stays in the run for ever: a person ends the run, the facts stay."""
    space = await a_namespace(temporal_server)
    await office.place(a_newcomer())
    keys = said(new=NEW)
    client = await a_client(office, space, keys)
    careless = await a_client(office, space, "")
    async with at_work(office, client):
        await begin(client, NEWCOMER)
        await tell(office, careless, "exam-1")

        async def is_refused() -> bool:
            return (await failed_by(client))[0] == "NotSealed"

        await until(is_refused)
        assert not await has_applied(office)
        await story_of(client, NEWCOMER).terminate("a signal in clear")
        await begin(client, NEWCOMER)
        assert await deliver(office.sessions, client, ["exam-1"]) == ()
        await until(lambda: has_applied(office))
        await nothing_is_found(office, client, ECHEANCE_TEMPORAL_KEYS=keys)
