"""docs/policy.md shows every value of the newest table, and whose choice it is."""

import os
from datetime import date
from pathlib import Path

from rules.dossier import Kind
from rules.policy import PolicyEntry, load_policy, policy_entries

DOCUMENT = Path(__file__).parents[2] / "docs" / "policy.md"
NEWEST = policy_entries(Kind.CAR, date.max)
OURS = "our choice, to be confirmed by the Office"
INTRODUCTION = """\
# Policy

The parameters of kind CAR (représentant d'agent de recouvrement), as
`rules/policies/car.toml` holds them: the newest row of each table, version
`{version}`. Sources are keys of [sources.md](sources.md). A new rule is a new row
with its first day; `GET /api/v1/policy/CAR?on=<day>` shows the rows of a day.

This page is written by its own test:
`ECHEANCE_WRITE_SNAPSHOTS=1 pytest tests/rules/test_policy_document.py`.
"""


def test_the_document_of_the_policy_is_current() -> None:
    """Written again with ECHEANCE_WRITE_SNAPSHOTS=1."""
    if os.environ.get("ECHEANCE_WRITE_SNAPSHOTS"):
        DOCUMENT.write_text(document(), encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == document()


def document() -> str:
    plain = [e for e in NEWEST if not isinstance(e.value, list)]
    switches = [e for e in plain if e.ours and e.other_values]
    single = [e for e in plain if e.ours and not e.other_values]
    law = [e for e in plain if not e.ours]
    version = load_policy(Kind.CAR, date.max).version
    return "\n".join(
        [
            INTRODUCTION.format(version=version),
            *_parameters(f"Switches: {OURS}", switches, without=()),
            *_parameters(f"Other values: {OURS}", single, without=("Other value",)),
            *_parameters(
                "Read on the pages of the Office",
                law,
                without=("Other value", "Question"),
            ),
            *_ladder("reminders", "Reminders before the last valid day"),
            *_ladder("exam_ladder", "Letters before the exam's end"),
            *_fees("fees_issue", "Fee of a first certificate"),
            *_fees("fees_renewal", "Fee of a renewal"),
        ]
    )


def _parameters(
    title: str, entries: list[PolicyEntry], *, without: tuple[str, ...]
) -> list[str]:
    rows = [
        {
            "Parameter": f"`{entry.name}`",
            "Value": _value(entry.value),
            "Other value": " · ".join(map(_value, entry.other_values)),
            "Question": entry.question or "",
            "Source": entry.source,
            "From": f"{entry.starts_on}",
        }
        for entry in entries
    ]
    head = tuple(column for column in rows[0] if column not in without)
    cells = [tuple(row[column] for column in head) for row in rows]
    return [f"## {title}", "", *_table(head, cells), ""]


def _entry(name: str) -> PolicyEntry:
    return next(entry for entry in NEWEST if entry.name == name)


def _ladder(name: str, title: str) -> list[str]:
    entry = _entry(name)
    return [
        f"## {title}",
        "",
        entry.question or "",
        "",
        f"`{name}`: {OURS}. Source {entry.source}, from {entry.starts_on}.",
        "",
        *_table(
            ("Days before", "Notice"),
            [(f"{r['days_before']}", f"`{r['notice']}`") for r in entry.value],
        ),
        "",
    ]


def _fees(name: str, title: str) -> list[str]:
    return [
        f"## {title}",
        "",
        "An amount that is not confirmed is the last one known, and is announced so.",
        "",
        *_table(
            ("From", "Amount", "Confirmed", "Source"),
            [
                (
                    f"{row['from']}",
                    f"{row['cents'] / 100:.2f} $",
                    "yes" if row["confirmed"] else "no",
                    row["source"],
                )
                for row in _entry(name).value
            ],
        ),
        "",
    ]


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    assert all("|" not in cell for row in rows for cell in row)
    lines = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return f"`{value}`" if " " not in str(value) else str(value)
