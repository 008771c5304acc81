"""The benchmarks of a story on the cluster, beside the same on the embedded server."""

import asyncio
import os
from collections.abc import Iterable

from benchmarks.servers import NAMESPACES
from cluster.stack import Cluster, PartError
from embedded.parts import python
from embedded.places import CHECKOUT
from embedded.processes import Program, start

MEASURES = ("cost_of_a_renewal", "standing", "burst")

_PAUSE_S = 0.5


async def measure(cluster: Cluster, names: Iterable[str] = MEASURES) -> None:
    """Run each measure on both, one after the other, and say both tables.

    Raises PartError if one cannot be run. The cluster is at rest meanwhile.
    """
    for namespace in NAMESPACES:
        program = cluster.server.namespace(namespace)
        await cluster.run("temporal-namespace", program)
    database = cluster.server.database
    there = {
        "ECHEANCE_TEMPORAL_ADDRESS": cluster.server.frontend(0),
        "ECHEANCE_BENCH_STORE": f"postgresql://{database.user}:{database.password}"
        f"@127.0.0.1:{database.port}/temporal",
    }
    for name in names:
        for where, told in (("embedded", {}), ("the cluster", there)):
            load = os.getloadavg()[0]
            table = await _run(cluster, name, where, told)
            cluster.says(f"{name}, {where} (load before: {load:.1f})\n{table}")


async def _run(cluster: Cluster, name: str, where: str, told: dict[str, str]) -> str:
    inherited = {
        variable: value
        for variable, value in os.environ.items()
        if variable != "ECHEANCE_TEMPORAL_ADDRESS"
    }
    log = cluster.log(f"bench-{name}-{where.rpartition(' ')[2]}")
    command = python("-m", "benchmarks", name)
    running = start(Program(command, {**inherited, **told}, CHECKOUT), log)
    while running.poll() is None:
        await asyncio.sleep(_PAUSE_S)
    if running.poll():
        raise PartError(f"{name} could not be measured: {log}")
    return log.read_text()
