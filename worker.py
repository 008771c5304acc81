"""The worker process: lives the stories, does their effects, drains, and leaves."""

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn
from zoneinfo import TZPATH

from sqlalchemy.exc import OperationalError
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import (
    UnsandboxedWorkflowRunner,
    Worker,
    WorkerDeploymentConfig,
)

import engine
from activities.ahead import CLOCKS_TOO_FAR
from activities.certificates import Certificates
from activities.dossiers import Dossiers
from activities.importing import Importing
from activities.issuing import Issuing
from activities.letters import Letters, Post
from activities.reporting import Desk, Reporting
from activities.upkeep import Means, Upkeep
from activities.writing import Letterhead
from letters.compose import check_templates
from logs import log_to
from records import migrations
from records.database import Sessions, make_engine, make_sessions
from rules.civil_time import ZONE
from settings import Settings, SettingsError, load_settings
from workflows.effects import MAIL, RENEWALS
from workflows.importing import ImportWorkflow
from workflows.renewal import RenewalWorkflow
from workflows.upkeep import ReconciliationWorkflow, ensure_schedule

log = logging.getLogger("worker")

CONNECTIONS = 20
LOCAL_EFFECTS = 16
"""Fewer than connections: an effect never waits for the pool while it holds a slot."""
STORIES_IN_MEMORY = 5000
"""About 60 KB each; a story that is not in memory is replayed when it wakes."""
WORKFLOWS = (RenewalWorkflow, ReconciliationWorkflow, ImportWorkflow)
STORIES = UnsandboxedWorkflowRunner()
"""The sandbox would cost up to a third of the worker's CPU, and find nothing.

Our modules would be shared between its runs, or a run would cost 40 ms more to begin;
shared, they are not watched. What it forbids is found before: the tests run the stories
in the whole sandbox, nothing that blocks is imported, recorded histories are replayed.
"""
DRAIN = timedelta(seconds=25)
DEPLOYMENT = "echeance"
LONGEST_PAUSE = 5.0


class WrongTablesError(RuntimeError):
    """The tables are not those this code needs; the text says what to do."""


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Work until *stop* is set, then finish what was begun, within 30 seconds.

    Raises WrongTablesError, and what letters.compose.check_templates raises, before
    any work is taken.
    """
    check_templates()
    database = make_engine(settings.database_url, connections=CONNECTIONS)
    try:
        client = await _reach(settings, stop)
        if client is None:
            return
        async with AsyncExitStack() as at_work:
            for part in workers(client, make_sessions(database), settings):
                await at_work.enter_async_context(part)
            _say_ready(settings)
            await stop.wait()
            log.info("stopping: what was begun is finished, nothing new is taken")
    finally:
        await database.dispose()


async def _reach(settings: Settings, stop: asyncio.Event) -> Client | None:
    """Wait for PostgreSQL and Temporal; None if we are stopped before they answer."""
    pause = 0.25
    while not stop.is_set():
        try:
            await asyncio.to_thread(_check_tables, settings)
            client = await engine.connect(settings)
            await ensure_schedule(client)
        except WrongTablesError:
            raise
        except (OperationalError, RPCError, RuntimeError) as away:
            log.info("waiting: %s", _first_line(away))
        else:
            return client
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    return None


def _check_tables(settings: Settings) -> None:
    found, needed = migrations.current(settings.database_url), migrations.head()
    if found != needed:
        raise WrongTablesError(
            f"the tables are at {found}, this code needs {needed}: "
            "run `python cli.py db upgrade` of this version"
        )


def workers(client: Client, sessions: Sessions, settings: Settings) -> Sequence[Worker]:
    """Make the worker of the stories and that of the mail; neither is started."""
    dossiers = Dossiers(sessions, client, most_ahead=CLOCKS_TOO_FAR)
    certificates = Certificates(sessions, most_ahead=CLOCKS_TOO_FAR)
    importing = Importing(sessions, client)
    upkeep = Upkeep(sessions, client, Means.of(settings, sessions))
    return (
        Worker(
            client,
            task_queue=RENEWALS,
            workflows=WORKFLOWS,
            activities=[
                dossiers.load_story,
                dossiers.read_policy,
                dossiers.keep_record,
                dossiers.deliver_told,
                dossiers.set_facts_aside,
                certificates.whose_certificate,
                certificates.move_result,
                certificates.claim_certificate,
                upkeep.reconcile,
                importing.bring_in,
            ],
            workflow_runner=STORIES,
            deployment_config=deployment_of(settings.build_id),
            max_cached_workflows=STORIES_IN_MEMORY,
            max_concurrent_local_activities=LOCAL_EFFECTS,
            graceful_shutdown_timeout=DRAIN,
        ),
        MailWorker(client, sessions, settings),
    )


class MailWorker(Worker):
    """The worker of the mail; it takes leave of the relay once it has drained."""

    def __init__(self, client: Client, sessions: Sessions, settings: Settings) -> None:
        letters = Letters(
            sessions,
            Post.of(settings),
            Letterhead.of(settings),
            Issuing(sessions, settings),
        )
        self._relay = letters.connections
        reporting = Reporting(sessions, letters.connections, Desk.of(settings))
        super().__init__(
            client,
            task_queue=MAIL,
            activities=[letters.send_letter, reporting.tell_operator],
            # One a connection: a letter that is claimed never waits for one.
            max_concurrent_activities=settings.smtp_connections,
            graceful_shutdown_timeout=DRAIN,
        )

    async def shutdown(self) -> None:
        """Drain, then close the connections."""
        await super().shutdown()
        await self._relay.close()


def deployment_of(build_id: str | None) -> WorkerDeploymentConfig | None:
    """Pin runs to a build, where builds are named; the next run moves to the newest."""
    if build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(DEPLOYMENT, build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


def _say_ready(settings: Settings) -> None:
    if settings.ready_file is not None:
        settings.ready_file.touch()
    log.info("ready: %s and %s; time zones: %s", RENEWALS, MAIL, _time_zones())


def _time_zones() -> str:
    """Say whose time zones decide: a folder of PYTHONTZPATH goes before the pinned."""
    folders = (path for path in TZPATH if (Path(path) / ZONE.key).is_file())
    return next(folders, f"tzdata {version('tzdata')}")


def _first_line(problem: BaseException) -> str:
    return str(problem).partition("\n")[0] or type(problem).__name__


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, stop.set)
    await work(settings, stop)


def main() -> NoReturn:
    """Work until SIGTERM or SIGINT; exit code 2 for settings, 1 for anything else."""
    try:
        settings = load_settings()
    except SettingsError as problem:
        print(problem, file=sys.stderr)
        engine.leave(2)
    log_to(settings.log_format)
    try:
        asyncio.run(_run(settings))
    except WrongTablesError as problem:
        log.error("%s", problem)  # noqa: TRY400 # the sentence is all there is to know
        engine.leave(1)
    except BaseException:
        log.exception("the worker broke down")
        engine.leave(1)
    engine.leave(0)


if __name__ == "__main__":
    main()
