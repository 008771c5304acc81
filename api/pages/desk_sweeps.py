"""The page of reconciliation: do the records, the stories and the mail agree?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response

from api.language import Language
from api.pages.rendering import Page, page
from api.pages.words import Sentence, words
from api.parts import TheParts
from api.signin.who import TheOfficer
from api.v1.sweeps import CheckCount, SweepFinding, sweeps_shown
from rules.numbers import BadNumber, DossierNumber, parse_dossier_number

router = APIRouter(route_class=Page, include_in_schema=False)

_NUMBER_LENGTH = len("CAR202600000001")


@dataclass(frozen=True, slots=True)
class Line:
    """A finding as a page words it; *dossier* is whose it is, if it is one's."""

    finding: SweepFinding
    said: Sentence | None
    dossier: DossierNumber | None


@dataclass(frozen=True, slots=True)
class Group:
    """What one check found."""

    count: CheckCount
    lines: Sequence[Line]


@router.get("/{language:fr_or_en}/bureau/concordance")
async def reconciliation(
    request: Request, parts: TheParts, language: Language, _who: TheOfficer
) -> Response:
    """Show what the sweeps of the last day looked at, found and could not look at."""
    shown = await sweeps_shown(parts)
    groups = [
        Group(count, [_line(f) for f in shown.findings if f.check == count.check])
        for count in shown.checks
    ]
    return page(
        request,
        "desk_sweeps.html",
        language,
        shown=shown,
        groups=groups,
        skipped=[_not_looked_at(why) for why in shown.skipped],
    )


_SKIPPED: Mapping[str, str] = {
    r"R7: no relay log is set": "no_relay_log",
    r"R12: no folder of exported heads is set": "no_heads",
    r"R14: this Temporal has no TemporalReportedProblems": "no_problems",
    r"R\d+: (?P<silent>\d+) of (?P<asked>\d+) stories did not answer": "silent",
}
"""What a sweep says of itself, by the end of the key that words it."""


def _not_looked_at(why: str) -> Sentence | str:
    """Word why a check was not made; a reason without words here stands as it is."""
    for pattern, key in _SKIPPED.items():
        if said := re.fullmatch(pattern, why):
            return Sentence(f"sweeps.skipped_{key}", said.groupdict())
    return why


def _line(finding: SweepFinding) -> Line:
    key = f"sweeps.found_{finding.code}"
    # A sweep of an earlier version had no code: its own words stand.
    said = Sentence(key, _facts(finding.values)) if key in words() else None
    return Line(finding, said, _dossier(finding.about))


def _facts(values: Mapping[str, str]) -> dict[str, object]:
    at = {"at": datetime.fromisoformat(values["at"])} if "at" in values else {}
    return {**values, **at}


def _dossier(about: str) -> DossierNumber | None:
    try:
        return parse_dossier_number(about[:_NUMBER_LENGTH])
    except BadNumber:
        return None
