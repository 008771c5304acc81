"""Which provider an installation has, if it has one."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from payments.provider import PaymentProvider
from payments.signing import keys_in
from payments.simulator import Simulator
from payments.stripe import Stripe
from rules.numbers import DossierNumber
from settings import Settings


def provider_of(
    settings: Settings, now: Callable[[DossierNumber], Awaitable[datetime]]
) -> PaymentProvider | None:
    """Name the provider of the settings; *now* is each dossier's own instant."""
    keys = keys_in(settings.payment_webhook_secret.get_secret_value())
    if settings.payment_provider == "stripe" and settings.stripe_api_key is not None:
        return Stripe(
            api_key=settings.stripe_api_key.get_secret_value(),
            webhook_keys=keys,
            api_url=settings.stripe_api_url,
        )
    if settings.embedded:
        return Simulator(
            settings.data_dir / "payments",
            keys=keys,
            public_url=settings.public_url,
            now=now,
        )
    return None
