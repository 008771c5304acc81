"""The demo's four stories at once, and a fault in the midst of them, each judged."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cluster.people import ProductionTheatre
from cluster.stack import Cluster
from embedded.casting import account_of
from embedded.demo import STORIES, StoryOf, differences
from embedded.processes import Program, start
from embedded.theatre import AGENCY, Stage

STRIKES_AFTER_S = 1.0
"""When a fault comes, once each story has its dossier: in the first months of all."""

STAYS_AWAY_S = 8.0
"""How long what was killed stays away."""

_PAUSE_S = 0.2
_PATIENCE_S = 300.0

Fault = Callable[[Cluster], Awaitable[None]]


@dataclass
class Outcome:
    """How one play went: what differs from what must be, and what the sweep found."""

    name: str
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    checked: int = 0

    @property
    def went_well(self) -> bool:
        """Whether everything is as it must be."""
        return not self.wrong


async def play(
    cluster: Cluster, theatre: ProductionTheatre, name: str, fault: Fault | None = None
) -> Outcome:
    """Play the four stories at once, let *fault* strike, and compare."""
    outcome, began = Outcome(name), time.monotonic()
    await theatre.place_agency(AGENCY, account=account_of("boreal"))
    theatre.new_cast()
    stages = [theatre.stage() for _ in STORIES]
    stories = [
        asyncio.create_task(_story(theatre, story, stage))
        for story, stage in zip(STORIES, stages, strict=True)
    ]
    if fault is not None:
        pairs = list(zip(stages, stories, strict=True))
        while not all(stage.dossiers or story.done() for stage, story in pairs):
            await asyncio.sleep(_PAUSE_S)
        await asyncio.sleep(STRIKES_AFTER_S)
        if all(story.done() for story in stories):
            outcome.wrong.append("every story had ended before the fault came")
        await fault(cluster)
    for found in await asyncio.gather(*stories):
        outcome.wrong += found
    outcome.seconds = time.monotonic() - began
    outcome.wrong += [f"{name} ended by itself" for name in cluster.dead()]
    await _sweep(cluster, outcome)
    return outcome


async def _story(theatre: ProductionTheatre, story: StoryOf, stage: Stage) -> list[str]:
    name = story.__name__.replace("_", " ")
    try:
        ending = await story(theatre, stage)
        return [f"{name}: {d}" for d in await differences(theatre, stage, ending)]
    except Exception as problem:  # noqa: BLE001 - whatever it is, it must not be
        return [f"{name}: {type(problem).__name__} {problem}"]


async def _sweep(cluster: Cluster, outcome: Outcome) -> None:
    """Have the product compare everything, by its own command."""
    log = cluster.log(f"reconcile-{outcome.name.replace(' ', '-')}")
    program: Program = cluster.ours("worker", "cli.py", "reconcile", "--once", "--json")
    running = start(program, log)
    while running.poll() is None:
        await asyncio.sleep(_PAUSE_S)
    lines = log.read_text().splitlines()
    try:
        report = json.loads(lines[-1])
    except (IndexError, ValueError):
        outcome.wrong.append(f"the sweep did not answer: {log}")
        return
    outcome.checked = report["checked"]
    outcome.wrong += [
        f"sweep: {f['check']} {f['about']}: {f['what']}" for f in report["findings"]
    ]


# ------------------------------------------------------------------------- the faults


def killed(*names: str) -> Fault:
    """Kill processes with SIGKILL, and start them again after a while."""

    async def strike(cluster: Cluster) -> None:
        for name in names:
            cluster.kill(name)
        cluster.says(f"killed: {', '.join(names)}")
        await asyncio.sleep(STAYS_AWAY_S)
        for name in names:
            await cluster.start(name)

    return strike


def stopped_at_once(service: str) -> Fault:
    """Stop a database without a checkpoint, and start it again after a while."""

    async def strike(cluster: Cluster) -> None:
        database = cluster.database(service)
        await asyncio.to_thread(database.stop_at_once)
        cluster.ended_by_us(service)
        cluster.says(f"stopped at once: {service}")
        await asyncio.sleep(STAYS_AWAY_S)
        await cluster.start(service)
        # As the compose file says of each service: restart, unless it was stopped.
        await cluster.restart_the_dead()

    return strike


FAULTS: dict[str, Fault] = {
    "a history process killed": killed("temporal-history-1"),
    "a frontend killed": killed("temporal-frontend-1"),
    "a matching process killed": killed("temporal-matching-1"),
    "a worker killed": killed("worker-1"),
    "an API process killed": killed("api-1"),
    "Temporal's database stopped at once": stopped_at_once("temporal-postgres"),
    "the records' database stopped at once": stopped_at_once("postgres"),
}
