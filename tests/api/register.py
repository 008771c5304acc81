"""The public register for tests: certificates planted as the law has them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from api.language import Language
from records.models import Certificate
from rules.dossier import Dossier
from rules.numbers import DossierNumber
from tests.api.doors import Doors, open_doors, the_settings
from tests.dossiers import TODAY

NOBODY = "CAR202600000009"
PATHS: dict[Language, str] = {"fr": "verifier", "en": "verify"}
DAYS = timedelta(days=1)
SEALED = ("Marc Roy", "marc@courriel.example", "AR-1001", "AR-2002")
"""What no answer may ever hold of who is planted."""


@asynccontextmanager
async def an_open_register(
    database_url: str, folder: Path, **more: str
) -> AsyncIterator[Doors]:
    """Open the doors without worker or Temporal, to as many as come."""
    without_limit = {
        "ECHEANCE_VERIFICATIONS_PER_MINUTE": "1000000",
        "ECHEANCE_VERIFICATIONS_PER_MINUTE_OF_ALL": "1000000",
    }
    settings = the_settings(
        database_url, folder, "127.0.0.1:1", **{**without_limit, **more}
    )
    async with open_doors(settings) as doors:
        yield doors


async def plant(
    doors: Doors,
    dossier: Dossier,
    *,
    person: str = "Marc Roy",
    status: str = "in_force",
) -> None:
    """Put a certificate in the register, as its story last kept it."""
    await doors.office.place(dossier, person)
    holder = await doors.office.holder_of(dossier.number)
    first = dossier.terms[0].start if dossier.terms else TODAY - 700 * DAYS
    await doors.office.add(
        Certificate(
            number=dossier.number,
            kind=dossier.kind,
            person_id=holder.person_id,
            status=status,
            start=first,
            echeance=dossier.echeance or first + 730 * DAYS,
        )
    )


def numbered(count: int) -> DossierNumber:
    """A number of 2024, by its order."""
    return DossierNumber(f"CAR2024{count:08d}")
