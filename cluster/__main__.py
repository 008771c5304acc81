"""Build, start, play, break and measure: python -m cluster."""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from io import StringIO

from rich.console import Console
from rich.table import Table
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig

import engine
from cluster.building import BuildError, Built, built, home
from cluster.database import DatabaseError
from cluster.measuring import MEASURES, measure
from cluster.people import reached
from cluster.stack import Cluster, PartError
from cluster.stories import FAULTS, Outcome, play

console = Console(highlight=False, soft_wrap=True)


def _say(line: str) -> None:
    console.print(line, markup=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked besides the stories."""

    faults: bool
    measures: tuple[str, ...]
    stays: bool


async def run(temporal: Built, wish: Wish) -> int:
    """Play the stories without a fault, then once with each; 0 if all went well."""
    outcomes: list[Outcome] = []
    async with Cluster(temporal, home() / "run", _say) as cluster:
        quiet = Console(file=StringIO())
        async with reached(cluster, quiet) as theatre:
            plays = [("no fault", None), *(FAULTS.items() if wish.faults else ())]
            for name, fault in plays:
                outcomes.append(await play(cluster, theatre, name, fault))
                _show(outcomes[-1])
        if wish.measures:
            await measure(cluster, wish.measures)
        if wish.stays:
            _say(f"It stays until Ctrl-C: {cluster.address('api-1')}")
            await asyncio.Event().wait()
    console.print(_table(temporal, outcomes))
    return 0 if all(outcome.went_well for outcome in outcomes) else 1


def _show(outcome: Outcome) -> None:
    word = "as it must be" if outcome.went_well else "NOT AS IT MUST BE"
    _say(f"{outcome.name}: {word}, {outcome.seconds:.0f} s")
    for line in outcome.wrong:
        _say(f"  {line}")


def _table(temporal: Built, outcomes: list[Outcome]) -> Table:
    table = Table(f"Temporal {temporal.version}", "seconds", "looked at", "as it must")
    for one in outcomes:
        good = "yes" if one.went_well else f"no ({len(one.wrong)})"
        table.add_row(one.name, f"{one.seconds:.0f}", str(one.checked), good)
    return table


def main() -> int:
    """Read the command line and do what it asks."""
    asked = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    asked.add_argument("--build-only", action="store_true", help="build, then leave")
    asked.add_argument("--no-faults", action="store_true", help="no fault comes")
    asked.add_argument(
        "--bench", nargs="*", metavar="MEASURE", help="measure there and embedded too"
    )
    asked.add_argument("--stay", action="store_true", help="stay until Ctrl-C")
    chosen = asked.parse_args()
    # What is away is said by us, once.
    quiet = TelemetryConfig(logging=LoggingConfig(filter="off"))
    Runtime.set_default(Runtime(telemetry=quiet))
    try:
        temporal = built(_say)
        if chosen.build_only:
            return 0
        measures = None if chosen.bench is None else tuple(chosen.bench) or MEASURES
        wish = Wish(not chosen.no_faults, measures or (), chosen.stay)
        return asyncio.run(run(temporal, wish))
    except (BuildError, DatabaseError, PartError) as problem:
        _say(str(problem))
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    engine.leave(code)
