"""How a test of a fault ends: the judge and the sweep look, and find nothing."""

from datetime import UTC, datetime

from temporalio.client import Client

from activities.reconciling import reconcile_once
from letters.compose import message_id
from proof.judge import loose_ends
from proof.rows import Rows
from proof.seen import Mail
from records.models import DossierRow, Letter
from settings import Settings
from tests.activities.office import Office
from tests.activities.posting import read
from tests.activities.relay_log import RelayLog
from tests.letters.relay import ScriptedRelay
from tests.upkeep.server import settings_for


def settings_at(office: Office, client: Client, **more: str) -> Settings:
    """Name the database and the namespace of one test."""
    return settings_for(
        office.url,
        ECHEANCE_TEMPORAL_ADDRESS=client.service_client.config.target_host,
        ECHEANCE_TEMPORAL_NAMESPACE=client.namespace,
        **more,
    )


def by(relay: ScriptedRelay, log: RelayLog) -> dict[str, str]:
    """Name the relay of one test and its log, as a worker's settings do."""
    return {
        "ECHEANCE_SMTP_PORT": str(relay.port),
        "ECHEANCE_RELAY_LOG_URL": log.url,
    }


async def nothing_is_found(
    office: Office, client: Client, relay: ScriptedRelay | None = None, **more: str
) -> None:
    """Judge what the stories left, then sweep thoroughly; call it with workers at work.

    The judge: each letter in the mailbox has its row and the reverse, none is there
    twice, each fact was heard, each history's hashes follow.
    """
    settings = settings_at(office, client, **more)
    taken = await _mailbox(office, settings, relay)
    numbers = tuple(row.number for row in await office.rows(DossierRow))
    seen = await Rows(office.sessions, client).seen(numbers, taken, {})
    loose = loose_ends(seen)
    assert loose == [], loose
    report = await reconcile_once(settings)
    assert report.findings == (), [f"{x.check} {x.what}" for x in report.findings]


async def _mailbox(
    office: Office, settings: Settings, relay: ScriptedRelay | None
) -> list[Mail]:
    """Read the mailbox by the keys of letters; an unknown letter keeps its own id."""
    secret = settings.mail_key.get_secret_value().encode()
    keys = {
        message_id(row.key, secret=secret, domain=settings.mail_domain): row.key
        for row in await office.rows(Letter)
    }
    letters = [read(taken) for taken in relay.taken] if relay else []
    return [
        Mail(keys.get(own, own), datetime.now(UTC), letter["To"])
        for letter in letters
        for own in [str(letter["Message-ID"])]
    ]
