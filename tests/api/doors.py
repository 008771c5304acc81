"""The service as a test knocks at it: real records, real routes, no network."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select
from standardwebhooks import Webhook
from temporalio.client import Client

from api.access import Role, tokens_file
from api.app import create_app
from api.parts import Parts
from api.signin.cookies import form_token_of, hash_of, new_value
from records.clock import database_now
from records.models import DossierRow, FactRow
from records.opening import add_agency
from records.sessions import Session
from rules.civil_time import civil_date
from rules.numbers import PermitNumber
from settings import Settings, settings_from
from tests.activities.office import Office
from worker import workers

SECRET = "whsec_dGVzdHM="
MAIL_KEY, NEXT_MAIL_KEY = "whsec_Y291cnJpZWw=", "whsec_c3VpdmFudGU="
PERMIT = "AR-1001"
SPOKEN_FOR = {"name": "Zoé Lévesque", "email": "zoe@courriel.example"}

# A request that hangs is a defect: no door may take longer than this, by far.
OVERALL_LIMIT_S = 30.0


@dataclass(frozen=True)
class Doors:
    """An application that has started, and who knocks."""

    app: FastAPI
    http: httpx2.AsyncClient
    tokens: dict[str, str]
    office: Office
    today: date

    @property
    def parts(self) -> Parts:
        parts: Parts = self.app.state.parts
        return parts

    async def ask(
        self, method: str, path: str, role: str | None = None, **said: Any
    ) -> httpx2.Response:
        headers = said.pop("headers", {})
        if role is not None:
            headers = {"Authorization": f"Bearer {self.tokens[role]}", **headers}
        async with asyncio.timeout(OVERALL_LIMIT_S):
            return await self.http.request(method, path, headers=headers, **said)

    async def get(self, path: str, role: str = "representative", **said: Any) -> Any:
        answer = await self.ask("GET", path, role, **said)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(
        self, path: str, role: str, body: Any = None, **said: Any
    ) -> httpx2.Response:
        return await self.ask("POST", path, role, json=body, **said)

    async def done(self, path: str, role: str, body: Any = None, **said: Any) -> Any:
        answer = await self.post(path, role, body, **said)
        assert answer.is_success, answer.text
        return answer.json()

    async def heard(self, number: str, role: str = "representative") -> Any:
        """Show a dossier once its story has applied every fact told to it.

        The record is kept a moment before the story knows that it is.
        """
        told = select(FactRow.state).where(FactRow.dossier == number)
        version = select(DossierRow.version).where(DossierRow.number == number)
        async with asyncio.timeout(OVERALL_LIMIT_S):
            while True:
                async with self.parts.sessions() as session:
                    states = set(await session.scalars(told))
                    kept = await session.scalar(version) or 0
                if states == {"applied"}:
                    shown = await self.get(f"/api/v1/dossiers/{number}", role)
                    if shown["version"] >= kept:
                        return shown
                await asyncio.sleep(0.02)

    async def sit_down(self, role: Role, account: str) -> str:
        """Begin a session, as the way back from a provider does; give its form token.

        What is asked from here on is asked with its cookie.
        """
        value = new_value()
        row = Session(
            session_hash=hash_of(value),
            account=account,
            role=role,
            name="Somebody",
            browser="tests",
        )
        await self.office.add(row)
        self.http.cookies["echeance_session"] = value
        return form_token_of(value)

    # -------------------------------------------------- situations, by the doors alone

    async def a_dossier(self) -> str:
        opened = await self.done("/api/v1/dossiers", "representative", SPOKEN_FOR)
        number: str = opened["number"]
        return number

    async def an_agency(self, permit: str = PERMIT) -> str:
        async with self.parts.sessions.begin() as session:
            await add_agency(
                session,
                permit=PermitNumber(permit),
                name="Recouvrement Tremblay",
                email="agence@courriel.example",
                language="fr",
            )
        return permit

    async def an_exam(self, number: str, *, days_ago: int = 30) -> None:
        told = {
            "dossier": number,
            "result_id": f"exam-{number}",
            "passed_on": str(self.today - timedelta(days=days_ago)),
        }
        kept = await self.done("/api/v1/exam-results", "exam_body", told)
        assert kept["delivered"]

    async def a_link(self, number: str, permit: str = PERMIT) -> str:
        taken = await self.done(
            f"/api/v1/dossiers/{number}/links", "representative", {"permit": permit}
        )
        link_id: str = taken["link_id"]
        return link_id

    async def hear(self, event: object, message_id: str) -> httpx2.Response:
        """Send a signed message, as the payment provider would."""
        body, headers = signed(event, message_id)
        return await self.ask(
            "POST", "/api/v1/webhooks/payments", content=body, headers=headers
        )


def signed(
    event: object, message_id: str, *, seconds_ago: int = 0
) -> tuple[str, dict[str, str]]:
    """Sign a message as Standard Webhooks says."""
    sent_at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    body = json.dumps(event)
    return body, {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(message_id, sent_at, body),
    }


def the_settings(
    database_url: str, folder: Path, temporal_address: str, **more: str
) -> Settings:
    said = {
        "ECHEANCE_TEMPORAL_ADDRESS": temporal_address,
        "ECHEANCE_DATA_DIR": str(folder),
        "ECHEANCE_EMBEDDED": "true",
        "ECHEANCE_PAYMENT_WEBHOOK_SECRET": SECRET,
        # All of a test's people sign in from one address.
        "ECHEANCE_SIGN_INS_PER_MINUTE": "1000000",
        "ECHEANCE_MAIL_WEBHOOK_SECRET": f"{MAIL_KEY},{NEXT_MAIL_KEY}",
    }
    return settings_from(
        {
            "ECHEANCE_DATABASE_URL": database_url,
            "ECHEANCE_MAIL_KEY": "key-of-the-tests",
            # Nobody listens there: a service of this machine must not be called.
            "ECHEANCE_PUBLIC_URL": "http://127.0.0.1:1",
            **said,
            **more,
        }
    )


@dataclass(frozen=True)
class Space:
    """A database and a namespace of one test."""

    client: Client
    settings_with: Callable[..., Settings]

    @asynccontextmanager
    async def alive(self, doors: Doors) -> AsyncIterator[None]:
        """Have a worker live the stories behind *doors*."""
        parts = doors.parts
        stories, _post = workers(self.client, parts.sessions, parts.settings)
        async with stories:
            yield


@asynccontextmanager
async def open_doors(settings: Settings) -> AsyncIterator[Doors]:
    """Start the service and stop it."""
    app = create_app(settings)
    async with app.router.lifespan_context(app), knocking_at(app) as http:
        yield await _opened(app, http, settings)


def knocking_at(app: FastAPI) -> httpx2.AsyncClient:
    """Ask an application in this process, as if over HTTP."""
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")


async def _opened(app: FastAPI, http: httpx2.AsyncClient, settings: Settings) -> Doors:
    parts: Parts = app.state.parts
    async with parts.sessions() as session:
        today = civil_date(await database_now(session))
    given = tokens_file(settings)  # made on one machine, given in production
    tokens = json.loads(given.read_text()) if given.exists() else {}
    office = Office(settings.database_url, parts.sessions)
    return Doors(app, http, tokens, office, today)


@asynccontextmanager
async def a_port() -> AsyncIterator[socket.socket]:
    """Take a free port of this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


@asynccontextmanager
async def serve(
    settings: Settings, listening: socket.socket, url: str
) -> AsyncIterator[Doors]:
    """Start the service over HTTP and stop it."""
    app = create_app(settings)
    config = uvicorn.Config(app, log_config=None, lifespan="on", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with httpx2.AsyncClient(base_url=url) as http:
            # The connection waits in the port's queue until the service has started.
            assert (await http.get("/livez", timeout=OVERALL_LIMIT_S)).is_success
            yield await _opened(app, http, settings)
    finally:
        server.should_exit = True
        await serving
