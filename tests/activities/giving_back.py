"""One sweep of money in a process of its own, which a crashpoint may kill."""

import asyncio
import os
import sys
from asyncio import subprocess

from temporalio.client import Client

from activities.money import MoneySweep
from payments.choosing import provider_of
from records.clock import clock_of
from records.database import make_engine, make_sessions
from settings import Settings, load_settings
from tests.activities.attempt import CHECKOUT
from tests.kept import real_now


async def sweep_apart(settings: Settings, *, crash_at: str) -> int:
    """Sweep in a child; return its exit code, -9 for a kill."""
    own = {
        "ECHEANCE_DATABASE_URL": settings.database_url,
        "ECHEANCE_DATA_DIR": str(settings.data_dir),
        "ECHEANCE_MAIL_KEY": settings.mail_key.get_secret_value(),
        "ECHEANCE_PUBLIC_URL": settings.public_url,
        "ECHEANCE_EMBEDDED": "true",
        "ECHEANCE_PAYMENT_WEBHOOK_SECRET": (
            settings.payment_webhook_secret.get_secret_value()
        ),
        "ECHEANCE_CRASHPOINT": crash_at,
    }
    child = await subprocess.create_subprocess_exec(
        *(sys.executable, "-m", "tests.activities.giving_back"),
        cwd=CHECKOUT,
        env={**os.environ, **own},
    )
    return await child.wait()


async def _in_the_child() -> None:
    settings = load_settings()
    engine = make_engine(settings.database_url)
    sessions = make_sessions(engine)
    nowhere = await Client.connect("127.0.0.1:1", lazy=True)
    provider = provider_of(settings, clock_of(sessions))
    sweep = MoneySweep(sessions, nowhere, provider, real_now())
    await sweep.look(hourly=False, daily=False)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_in_the_child())
    os._exit(0)
