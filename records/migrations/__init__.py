"""
The steps that made the tables, numbered, one head; and how to take them from code.

May import records.models. Must never be needed by a running process but to compare
where the tables stand with where they should.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the tables forward to *revision*; each step is one transaction."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Bring the tables back to *revision*; "base" is before the first step."""
    command.downgrade(_config(url), revision)


def current(url: str) -> str | None:
    """Name the revision of the tables; None for a database without any."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Name the revision that this code needs."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return newest


def knows(revision: str) -> bool:
    """Say whether tables of *revision* can be brought forward by this code."""
    steps = ScriptDirectory.from_config(_config()).walk_revisions()
    return any(step.revision == revision for step in steps)


def _config(url: str | None = None) -> Config:
    config = Config()
    folder = str(Path(__file__).parent)
    # A percent sign would begin an interpolation.
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config
