"""Files of certificates for tests, valid unless a test says else."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from intake.importing.lines import Understood, understand
from intake.importing.reading import Sheet, read_sheet
from intake.importing.writing import foresee
from records.imports import begin, keep_file
from rules.civil_time import add_years, civil_date, last_day
from tests.activities.office import Office
from tests.dossiers import PERMIT, TODAY, a_policy

HEADINGS = (
    *("numero", "nom", "courriel", "langue", "reussite_examen", "debut"),
    *("valide_jusqu_au", "permis", "lie_depuis", "lie_jusqu_au"),
)


def today() -> date:
    """The real civil day, for what the database's clock judges."""
    return civil_date(datetime.now(UTC))


def a_line(place: int = 1, *, echeance: date | None = None, **cells: str) -> list[str]:
    """A holder in force for another 500 days, linked from the first day."""
    echeance = echeance or today() + timedelta(days=500)
    start = add_years(echeance, -2)
    told = {
        "numero": f"CAR{start.year}{place:08d}",
        "nom": f"Zoé Côté {place}",
        "courriel": f"zoe{place}@courriel.example",
        "langue": "fr",
        "reussite_examen": str(start - timedelta(days=30)),
        "debut": str(start),
        "valide_jusqu_au": str(last_day(echeance)),
        "permis": PERMIT,
    }
    told |= cells
    return [told.get(name, "") for name in HEADINGS]


def a_file(
    *lines: Sequence[str],
    separator: str = ";",
    headings: Sequence[str] = HEADINGS,
    end: str = "\r\n",
) -> bytes:
    rows = (headings, *lines)
    return "".join(f"{separator.join(row)}{end}" for row in rows).encode()


def a_sheet(*lines: Sequence[str]) -> Sheet:
    return read_sheet(a_file(*lines))


def understood(*lines: Sequence[str], on: date = TODAY) -> tuple[Understood, ...]:
    return understand(a_sheet(*lines), a_policy(), on)


async def say_yes(office: Office, *lines: Sequence[str], by: str = "staff:a") -> str:
    """Give a file and say yes to it, as a page or a command does."""
    sheet = a_sheet(*lines)
    foreseen = await foresee(office.sessions, sheet)
    async with office.sessions.begin() as session:
        await keep_file(
            session,
            import_id=sheet.import_id,
            file_name="titulaires.csv",
            content=sheet.content,
            lines=len(sheet.lines),
            foreseen=foreseen.counts,
            refused=foreseen.refused,
            by=by,
        )
        await begin(session, sheet.import_id, by=by)
    return sheet.import_id
