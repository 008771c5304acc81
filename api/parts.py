"""What the doors are made of: records, the way to the stories, the provider."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from temporalio.client import Client

from api.sharing import Shared
from api.v1.mail_answers import MailDays
from intake.delivery import Courier
from intake.mail import MailRoom
from payments.provider import PaymentProvider
from records.database import Sessions
from settings import Settings

MESSAGES_AT_ONCE = 4
"""The most messages (10 MiB each) that are in memory at one time."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a route may reach; made once, when the service starts."""

    settings: Settings
    sessions: Sessions
    client: Client
    courier: Courier
    provider: PaymentProvider | None
    mail_room: MailRoom
    mail_places: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MESSAGES_AT_ONCE)
    )
    mail_days: Shared[MailDays] = field(default_factory=Shared)


def parts_of(request: Request) -> Parts:
    """Find the parts of the application that serves *request*."""
    return cast("Parts", request.app.state.parts)


TheParts = Annotated[Parts, Depends(parts_of)]
