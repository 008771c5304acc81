"""Assembly of the doors: routes, errors, limits, and the parts they reach."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError

from api import calendars, health, json_v1, metrics, reference, simulated_payments
from api.access import ensure_tokens, know_tokens, tokens_file
from api.brand import Brand
from api.guard import Guard
from api.pages import (
    about,
    address,
    agency,
    agency_check,
    agency_link,
    cancelling,
    certificate,
    clock,
    desk,
    desk_correcting,
    desk_dossier,
    desk_fees,
    desk_hands,
    desk_import,
    desk_links,
    desk_policy,
    desk_refund,
    desk_reissuing,
    desk_renaming,
    desk_resending,
    desk_sweeps,
    desk_task,
    dossier,
    incoming,
    inviting,
    invoices,
    linking,
    mail,
    mine,
    observing,
    opening,
    paying,
    proving,
    reminding,
    signing_in,
    simulator,
    start,
    subscribing,
    taking_back,
    transferring,
    unlinking,
    verification,
)
from api.pages.clock import Mover
from api.parts import Parts
from api.problems import handle_errors
from engine import connect
from intake.delivery import Courier
from intake.mail import MailRoom
from payments.choosing import provider_of
from records.clock import clock_of
from records.database import Sessions, make_engine, make_sessions
from settings import Settings, load_settings

log = logging.getLogger(__name__)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_POOL_PATIENCE_S = 1.5
"""Whoever asks is told within 2 s that all connections to the records are taken."""

_PAGES = (
    about.router,
    about.at_any_time,
    start.router,
    signing_in.router,
    dossier.router,
    invoices.router,
    certificate.router,
    paying.router,
    mine.router,
    opening.router,
    inviting.router,
    linking.router,
    reminding.router,
    unlinking.router,
    observing.router,
    cancelling.router,
    address.router,
    taking_back.router,
    proving.router,
    agency.router,
    agency_check.router,
    agency_link.router,
    calendars.router,
    subscribing.router,
    mail.router,
    incoming.router,
    desk.router,
    desk_dossier.router,
    desk_correcting.router,
    desk_reissuing.router,
    desk_renaming.router,
    desk_links.router,
    desk_sweeps.router,
    desk_hands.router,
    desk_hands.giving,
    desk_task.router,
    desk_refund.router,
    desk_resending.router,
    desk_fees.router,
    desk_policy.router,
    desk_import.router,
    transferring.router,
    verification.router,
)
"""An address is answered by the first that knows it."""


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
    app.state.mover = mover if settings.embedded else None
    app.state.brand = Brand.of(settings)
    for router in _PAGES:
        app.include_router(router)
    app.state.sign_in = signing_in.Parties(settings)
    app.add_middleware(
        Guard,
        public_url=settings.public_url,
        own_names=_own_names(settings) if settings.embedded else None,
    )
    handle_errors(app)
    json_v1.describe_problems(app)
    return app


def _own_names(settings: Settings) -> frozenset[str]:
    """Name this machine: another's name may lead here (DNS rebinding), not be served.

    Elsewhere the proxy in front answers for the service's name.
    """
    own = urlsplit(settings.public_url).hostname
    return frozenset({*_LOOPBACK, settings.api_host, *([own] if own else [])})


def _name_of(route: APIRoute) -> str:
    return route.name


@asynccontextmanager
async def _parts_of(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    engine = make_engine(settings.database_url, patience_s=_POOL_PATIENCE_S)
    sessions = make_sessions(engine)
    try:
        await _make_tokens(sessions, settings)
        client = await connect(settings, lazy=True)
        courier = Courier(sessions, client)
        room = MailRoom(sessions, courier, settings)
        app.state.parts = Parts(
            settings=settings,
            sessions=sessions,
            client=client,
            courier=courier,
            provider=provider_of(settings, clock_of(sessions)),
            mail_room=room,
        )
        async with simulated_payments.messages_sent(app.state.parts.provider):
            yield
        await room.finish()
        await courier.close()
    finally:
        await engine.dispose()


async def _make_tokens(sessions: Sessions, settings: Settings) -> None:
    """Make the tokens, or know those given; a service that cannot still starts."""
    file = tokens_file(settings)
    try:
        async with sessions.begin() as session:
            if settings.embedded:
                await ensure_tokens(session, file)
            else:
                await know_tokens(session, file)
    except (SQLAlchemyError, OSError, ValueError) as away:
        log.warning("the tokens are not known: %s", type(away).__name__)
