"""One sweep from a command line, with the parts that the settings name."""

from datetime import UTC, datetime

from activities.upkeep import Means, Upkeep
from engine import connect
from records.database import make_engine, make_sessions
from settings import Settings
from workflows.upkeep import SweepReport

_CONNECTIONS = 8


async def reconcile_once(settings: Settings, *, rebuild: bool = False) -> SweepReport:
    """Sweep once, thoroughly.

    Raises SQLAlchemyError while the database is away: nothing can be compared.
    """
    engine = make_engine(settings.database_url, connections=_CONNECTIONS)
    try:
        sessions = make_sessions(engine)
        client = await connect(settings, lazy=True)
        upkeep = Upkeep(sessions, client, Means.of(settings, sessions))
        return await upkeep.sweep(datetime.now(UTC), thorough=True, rebuild=rebuild)
    finally:
        await engine.dispose()
