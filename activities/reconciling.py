"""One sweep from a command line, with the parts that the settings name."""

from datetime import UTC, datetime

from activities.upkeep import Upkeep
from engine import connect
from payments.choosing import provider_of
from records.clock import clock_of
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
        upkeep = Upkeep(
            sessions,
            await connect(settings, lazy=True),
            provider=provider_of(settings, clock_of(sessions)),
            relay_log_url=settings.relay_log_url,
        )
        return await upkeep.sweep(datetime.now(UTC), thorough=True, rebuild=rebuild)
    finally:
        await engine.dispose()
