"""What Alembic runs: one connection, one transaction a step, one process at a time."""

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from records.models import Base

_ONE_AT_A_TIME = 20190801  # any number, the same in every process


def migrate(url: str) -> None:
    """Take the steps asked for, once the process that migrates now has ended."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        lock = text("SELECT pg_advisory_lock(:number)")
        connection.execute(lock, {"number": _ONE_AT_A_TIME})
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


migrate(context.config.attributes["url"])
