"""A migration that is killed half way: the version before it, whole."""

import asyncio
import os
import sys
from asyncio import subprocess

import psycopg
import pytest

from records import migrations
from tests.activities.attempt import CHECKOUT

BEFORE = "0006"


@pytest.mark.timeout(120)
async def test_a_migration_that_is_killed_leaves_the_version_before_it(
    database_url: str,
) -> None:
    address = database_url.replace("+psycopg", "")
    await asyncio.to_thread(migrations.downgrade, database_url, BEFORE)
    tables = await _tables(address)
    async with await psycopg.AsyncConnection.connect(address) as holding:
        # The migration changes this table late, after it has made others.
        await holding.execute("LOCK TABLE invoices IN ACCESS EXCLUSIVE MODE")
        upgrading = await subprocess.create_subprocess_exec(
            *(sys.executable, "cli.py", "db", "upgrade"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=CHECKOUT,
            env={
                **os.environ,
                "ECHEANCE_DATABASE_URL": database_url,
                "ECHEANCE_MAIL_KEY": "key-of-the-tests",
                "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_dGVzdHM=",
            },
        )
        await _until_it_waits(address)
        upgrading.kill()
        assert await upgrading.wait() == -9
    assert migrations.current(database_url) == BEFORE
    assert await _tables(address) == tables
    await asyncio.to_thread(migrations.upgrade, database_url)
    assert migrations.current(database_url) == migrations.head()


async def _tables(address: str) -> set[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    async with await psycopg.AsyncConnection.connect(address) as session:
        return {row[0] async for row in await session.execute(query)}


async def _until_it_waits(address: str) -> None:
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(60):
        async with await psycopg.AsyncConnection.connect(
            address, autocommit=True
        ) as session:
            while True:
                answer = await (await session.execute(query)).fetchone()
                if answer and answer[0]:
                    return
                await asyncio.sleep(0.02)
