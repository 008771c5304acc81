"""Assembly of the doors: routes, errors, limits, and the parts they reach."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.middleware.trustedhost import TrustedHostMiddleware

from api import health, json_v1, metrics, reference, simulated_payments
from api.access import ensure_tokens, tokens_file
from api.guard import Guard
from api.pages import (
    address,
    agency,
    cancelling,
    clock,
    desk,
    desk_dossier,
    desk_fees,
    desk_task,
    dossier,
    incoming,
    invoices,
    linking,
    mail,
    mine,
    observing,
    opening,
    paying,
    proving,
    signing_in,
    simulator,
    start,
    taking_back,
    transferring,
    unlinking,
    verification,
)
from api.pages.clock import Mover
from api.parts import Parts
from api.problems import handle_errors
from engine import connect
from intake.mail import MailRoom
from payments.choosing import provider_of
from records.clock import clock_of
from records.database import Sessions, make_engine, make_sessions
from settings import Settings, load_settings

log = logging.getLogger(__name__)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def create_app(settings: Settings | None = None, mover: Mover | None = None) -> FastAPI:
    """Assemble the service; nothing is reached before it starts.

    With a *mover* the embedded stack's pages can move a dossier's clock.
    """
    settings = settings or load_settings()
    app = FastAPI(
        title="Échéance",
        version=health.VERSION,
        description="La vie d'un certificat. / The life of a certificate.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page would fetch scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name_of,
        lifespan=lambda app: _parts_of(app, settings),
    )
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.state.scrapes = metrics.Scrapes()
    app.include_router(reference.router)
    app.include_router(json_v1.router)
    if settings.embedded:
        app.include_router(simulated_payments.router)
        app.include_router(simulator.router)
        app.include_router(clock.router)
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=_own_names(settings))
    app.state.mover = mover if settings.embedded else None
    app.include_router(start.router)
    app.include_router(signing_in.router)
    app.include_router(dossier.router)
    app.include_router(invoices.router)
    app.include_router(paying.router)
    app.include_router(mine.router)
    app.include_router(opening.router)
    app.include_router(linking.router)
    app.include_router(unlinking.router)
    app.include_router(observing.router)
    app.include_router(cancelling.router)
    app.include_router(address.router)
    app.include_router(taking_back.router)
    app.include_router(proving.router)
    app.include_router(agency.router)
    app.include_router(mail.router)
    app.include_router(incoming.router)
    app.include_router(desk.router)
    app.include_router(desk_dossier.router)
    app.include_router(desk_task.router)
    app.include_router(desk_fees.router)
    app.include_router(transferring.router)
    app.state.sign_in = signing_in.Parties(settings)
    app.include_router(verification.router)
    app.add_middleware(Guard, public_url=settings.public_url)
    handle_errors(app)
    json_v1.describe_problems(app)
    return app


def _own_names(settings: Settings) -> list[str]:
    """Name this machine: another's name may lead here (DNS rebinding), not be served.

    Elsewhere the proxy in front answers for the service's name.
    """
    own = urlsplit(settings.public_url).hostname
    return [*_LOOPBACK, settings.api_host, *([own] if own else [])]


def _name_of(route: APIRoute) -> str:
    return route.name


@asynccontextmanager
async def _parts_of(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    engine = make_engine(settings.database_url)
    sessions = make_sessions(engine)
    try:
        await _make_tokens(sessions, settings)
        client = await connect(settings, lazy=True)
        room = MailRoom(sessions, client, settings)
        app.state.parts = Parts(
            settings=settings,
            sessions=sessions,
            client=client,
            provider=provider_of(settings, clock_of(sessions)),
            mail_room=room,
        )
        async with simulated_payments.messages_sent(app.state.parts.provider):
            yield
        await room.finish()
    finally:
        await engine.dispose()


async def _make_tokens(sessions: Sessions, settings: Settings) -> None:
    """Make the tokens; a service that cannot still starts, and says so in /readyz."""
    try:
        async with sessions.begin() as session:
            await ensure_tokens(session, tokens_file(settings))
    except (SQLAlchemyError, OSError) as away:
        log.warning("the development tokens were not made: %s", type(away).__name__)
