"""Forty-two planted disagreements, all found in one run, each by its own check."""

from pathlib import Path

from activities.reconciling import reconcile_once
from payments.choosing import provider_of
from payments.simulator import Simulator
from records.clock import clock_of
from tests.activities.office import Office
from tests.activities.relay_log import RelayLog
from tests.letters.relay import ScriptedRelay
from tests.upkeep.planting import Garden, broken_worker
from tests.upkeep.server import a_server, settings_for
from tests.upkeep.sweeping import at_work, until
from workflows.upkeep import SweepReport

AT_THE_FIRST_FAILURE = (
    "--dynamic-config-value",
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=1",
)


def told(report: SweepReport) -> list[tuple[str, str]]:
    return sorted((str(finding.check), finding.about) for finding in report.findings)


async def test_forty_two_planted_disagreements_are_found_in_one_run(
    office: Office, tmp_path: Path
) -> None:
    async with (
        a_server(extra=AT_THE_FIRST_FAILURE) as client,
        ScriptedRelay() as relay,
        RelayLog(relay) as log,
        at_work(office, client),
    ):
        settings = settings_for(
            office.url,
            ECHEANCE_TEMPORAL_ADDRESS=client.service_client.config.target_host,
            ECHEANCE_RELAY_LOG_URL=log.url,
            ECHEANCE_EMBEDDED="true",
            ECHEANCE_DATA_DIR=str(tmp_path),
            ECHEANCE_HEADS_DIR=str(tmp_path / "heads"),
        )
        provider = provider_of(settings, clock_of(office.sessions))
        assert isinstance(provider, Simulator)
        garden = Garden(office, client, provider, relay.taken)
        await garden.histories()
        clean = await reconcile_once(settings)

        async with broken_worker(client):
            await garden.failing()
            await garden.facts()
            await garden.stories_lost()
            await garden.strays()
            await garden.versions()
            await garden.duties()
            await garden.letters()
            await garden.relay_log()
            await garden.messages()
            await garden.books()
            await garden.unfinished()
            await garden.permits()
            await garden.spoil_histories()
            await garden.clocks()
            await until(garden.is_known_to_fail)
            report = await reconcile_once(settings)

    assert (clean.checked > 0, clean.found, clean.exit_code) == (True, 0, 0)
    assert clean.skipped == ()
    assert len(garden.planted) == 42
    assert sorted(set(told(report)) ^ garden.planted) == [], report.findings
    assert len(told(report)) == 42
    assert report.exit_code == 2
