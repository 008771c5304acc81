"""How every process of ours reaches PostgreSQL."""

from typing import TypeAlias

from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

Sessions: TypeAlias = async_sessionmaker[AsyncSession]

_KEPT_OPEN = 5
_CONNECT_SECONDS = 5
# A frozen process must not hold a dossier's lock for ever.
# A plan made for any value reads a whole table for a rare name: each value has its own.
_SESSION_OPTIONS = (
    "-c timezone=UTC -c idle_in_transaction_session_timeout=60s"
    " -c plan_cache_mode=force_custom_plan"
)


def make_engine(
    url: str, *, connections: int = 10, patience_s: float = 30.0
) -> AsyncEngine:
    """Prepare a pool of at most *connections*; nothing is opened before the first use.

    Who waits for one longer than *patience_s* gets sqlalchemy.exc.TimeoutError. *url*
    begins with postgresql+psycopg://. A broken connection is replaced unseen.
    """
    kept_open = min(_KEPT_OPEN, connections)
    return create_async_engine(
        url,
        pool_size=kept_open,
        max_overflow=connections - kept_open,
        pool_timeout=patience_s,
        pool_pre_ping=True,
        # The values of a failed statement may name a person; errors reach Temporal.
        hide_parameters=True,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "options": _SESSION_OPTIONS,
        },
    )


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Prepare sessions whose rows can still be read after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
