"""The tables: made, unmade and made again, and the same as the models say."""

import secrets
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

import records
from embedded.postgres import Cluster
from records import migrations
from records.models import Base

_DATA = (
    "INSERT INTO people (name, name_key, email) VALUES ('Zoé', 'zoe', 'z@a.example')",
    "INSERT INTO agencies (permit, name, email) VALUES ('AR-1', 'B', 'b@a.example')",
    (
        "INSERT INTO dossiers (number, kind, person_id, opened_on, phase, facts)"
        " SELECT 'CAR202600000001', 'CAR', person_id, '2026-11-24', 'in_force', '{}'"
        " FROM people"
    ),
    (
        "INSERT INTO certificates SELECT number, kind, person_id, 'in_force',"
        " '2026-11-24', '2028-11-24' FROM dossiers"
    ),
    "INSERT INTO exam_results VALUES ('exam-1', '2026-11-01', 'CAR202600000001')",
    "INSERT INTO links VALUES ('link-1', 'CAR202600000001', 'AR-1', '2026-11-24')",
    (
        "INSERT INTO facts VALUES ('f-1', 'CAR202600000001', 'invoice_paid',"
        " 'payment_provider', '{\"amount_cents\": 18500}', now(), now())"
    ),
    (
        "INSERT INTO timeline VALUES"
        " ('CAR202600000001', 1, 'invoice_paid', now(), 'rule', '{}', NULL, '0', '1')"
    ),
)


@pytest.fixture
def empty_url(cluster: Cluster) -> Iterator[str]:
    name = f"empty_{secrets.token_hex(6)}"
    cluster.create_database(name)
    yield cluster.url(name)
    with _connected(cluster.url("postgres")) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _connected(url: str) -> Connection:
    return create_engine(url, poolclass=NullPool).connect()


def _fill(url: str) -> None:
    with _connected(url) as connection:
        for statement in _DATA:
            connection.exec_driver_sql(statement)
        connection.commit()


def test_the_tables_are_made_filled_unmade_and_made_again(empty_url: str) -> None:
    assert migrations.current(empty_url) is None
    migrations.upgrade(empty_url)
    assert migrations.current(empty_url) == migrations.head()
    _fill(empty_url)
    migrations.downgrade(empty_url, "base")
    assert migrations.current(empty_url) is None
    with _connected(empty_url) as connection:
        left = connection.execute(
            text(
                "SELECT relname FROM pg_class"
                " WHERE relnamespace = 'public'::regnamespace"
            )
        )
        assert {name for (name,) in left} == {"alembic_version", "alembic_version_pkc"}
    migrations.upgrade(empty_url)
    _fill(empty_url)


def test_the_migrated_tables_are_those_of_the_models(database_url: str) -> None:
    with _connected(database_url) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": True}
        )
        # A table may live in any module of the records, beside what is asked of it.
        for module in iter_modules(records.__path__):
            import_module(f"records.{module.name}")
        assert compare_metadata(context, Base.metadata) == []


def test_there_is_one_head(database_url: str) -> None:
    steps = ScriptDirectory.from_config(migrations._config())
    assert steps.get_heads() == [migrations.head()]
    assert migrations.current(database_url) == migrations.head()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE timeline SET what = 'nothing'",
        "DELETE FROM timeline",
        "TRUNCATE timeline",
        "UPDATE facts SET body = '{}'",
        "UPDATE facts SET fact_id = 'f-2'",
        "UPDATE facts SET state = 'applied', occurred_at = '2026-01-01 00:00Z'",
        "DELETE FROM facts",
        "TRUNCATE facts",
    ],
)
def test_what_was_told_and_done_cannot_be_changed(
    database_url: str, change: str
) -> None:
    _fill(database_url)
    with (
        _connected(database_url) as connection,
        pytest.raises(DBAPIError, match="is append-only"),
    ):
        connection.exec_driver_sql(change)


def test_the_state_of_a_facts_delivery_may_change(database_url: str) -> None:
    _fill(database_url)
    with _connected(database_url) as connection:
        connection.exec_driver_sql(
            "UPDATE facts SET state = 'applied', changed_at = now()"
        )
        assert connection.exec_driver_sql("SELECT state FROM facts").one() == (
            "applied",
        )
