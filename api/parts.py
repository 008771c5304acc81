"""What the doors are made of: records, the way to the stories, the provider."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from temporalio.client import Client

from payments.provider import PaymentProvider
from records.database import Sessions
from settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a route may reach; made once, when the service starts."""

    settings: Settings
    sessions: Sessions
    client: Client
    provider: PaymentProvider | None


def parts_of(request: Request) -> Parts:
    """Find the parts of the application that serves *request*."""
    return cast("Parts", request.app.state.parts)


TheParts = Annotated[Parts, Depends(parts_of)]
