"""The operator's mail of a day: how the sweeps did, also when all is well."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from functools import cache
from pathlib import Path

from letters.compose import letter_policy, plain_address
from letters.layout import french_spacing
from letters.wording import Language
from rules.civil_time import ZONE


@dataclass(frozen=True, slots=True)
class Exported:
    """What the newest file of heads says in short."""

    at: str
    dossiers: int
    lines: int
    sha256: str
    signature: str


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of a day: counts and reasons, no name, no number of a dossier."""

    day: date
    sweeps: int
    checked: int
    found: int
    repaired: int
    for_a_person: int
    checks: Sequence[tuple[str, int]]
    skipped: Sequence[str]
    exported: Exported | None
    page_url: str


def compose_report(
    report: Report,
    *,
    language: Language,
    sender: str,
    recipient: str,
    message_id: str,
    at: datetime,
) -> EmailMessage:
    """Compose the mail; *at* is its instant. Raises BadAddress for an address."""
    mail = EmailMessage(policy=letter_policy())
    mail["From"] = plain_address(sender)
    mail["To"] = plain_address(recipient)
    mail["Subject"] = subject(report, language)
    mail["Date"] = at.astimezone(ZONE)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body(report, language), charset="utf-8", cte="quoted-printable")
    mail["Content-Language"] = f"{language}-CA"
    return mail


def subject(report: Report, language: Language) -> str:
    """Say the outcome in one line."""
    return _say(
        "subject",
        language,
        day=report.day.isoformat(),
        checked=report.checked,
        found=report.found,
    )


def body(report: Report, language: Language) -> str:
    """Say all of it."""
    lines = [
        _say("swept", language, sweeps=report.sweeps, checked=report.checked),
        _say(
            "found",
            language,
            found=report.found,
            repaired=report.repaired,
            person=report.for_a_person,
        ),
        *(_say("check", language, check=c, count=n) for c, n in report.checks),
        *(_say("skipped", language, why=why) for why in report.skipped),
    ]
    if (told := report.exported) is not None:
        lines += [
            _say(
                "heads",
                language,
                at=told.at,
                dossiers=told.dossiers,
                lines=told.lines,
            ),
            _say("sum", language, sha256=told.sha256, signature=told.signature),
        ]
    lines += ["", _say("page", language, url=report.page_url), _say("absent", language)]
    return "\n".join(lines) + "\n"


def _say(key: str, language: Language, **facts: object) -> str:
    return _words()[key][language].format(**facts)


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    file = Path(__file__).with_name("report_words.toml")
    said = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        key: {**both, "fr": french_spacing(both["fr"])} for key, both in said.items()
    }
