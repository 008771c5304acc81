"""A reminder whose answer was lost, withdrawn before anybody asks the relay's log."""

from datetime import timedelta

from activities.upkeep import Means, Upkeep
from engine import begin, story_of
from records.models import Agency, Letter
from rules.civil_time import civil_date
from tests.activities.office import Office
from tests.activities.relay_log import RelayLog
from tests.dossiers import HOLDER, PERMIT, a_holder
from tests.faults.ending import by, nothing_is_found
from tests.letters.relay import ACCEPT_THEN_DROP, Script, ScriptedRelay
from tests.upkeep.server import a_namespace
from tests.upkeep.sweeping import at_work, found, real_now, until
from workflows.messages import Cancel
from workflows.renewal import RenewalWorkflow
from workflows.upkeep import Check, Mend

IN_A_WHILE = timedelta(minutes=11)


async def test_a_reminder_that_left_before_it_was_withdrawn_is_known_to_have_left(
    office: Office, temporal_server: str
) -> None:
    client = await a_namespace(temporal_server)
    await office.add(Agency(permit=PERMIT, name="Boréal", email="b@a.example"))
    await office.place(a_holder(civil_date(real_now()) + timedelta(days=1)))

    async def states() -> dict[str, str]:
        return {row.notice: row.state for row in await office.rows(Letter)}

    async def reminders_in_doubt() -> list[str]:
        return [
            notice
            for notice, state in (await states()).items()
            if notice.startswith("reminder_") and state == "unknown"
        ]

    async def is_in_doubt() -> bool:
        return bool(await reminders_in_doubt())

    async def all_left() -> bool:
        return set((await states()).values()) == {"accepted"}

    async with (
        ScriptedRelay([Script(dot=ACCEPT_THEN_DROP)]) as relay,
        RelayLog(relay) as log,
    ):
        post = by(relay, log)
        async with at_work(office, client, **post):
            await begin(client, HOLDER)
            await until(is_in_doubt)
            cancel = Cancel(command_id="c-1", by="person")
            story = story_of(client, HOLDER)
            await story.execute_update(RenewalWorkflow.cancel, cancel)
            (reminder,) = await reminders_in_doubt()
            relay.scripts = (Script(),)

            upkeep = Upkeep(office.sessions, client, Means(relay_log_url=log.url))
            report = await upkeep.sweep(real_now() + IN_A_WHILE)
            ends = {
                about.rpartition("/")[2]: mend
                for about, mend in found(report, Check.LETTERS)
            }
            assert ends[reminder] is Mend.REPAIRED
            await until(all_left)
            await nothing_is_found(office, client, relay, **post)
