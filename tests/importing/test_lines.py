"""A line is the holder of a certificate, or every reason why not."""

from datetime import date, timedelta

import pytest

from intake.importing.faults import LineFault, line_refusal
from rules.dossier import Link
from tests.dossiers import OTHER_PERMIT, PERMIT, TODAY
from tests.importing.sheets import a_line, understood

ECHEANCE = date(2027, 12, 10)
START = date(2025, 12, 10)


def faults(**cells: str) -> list[LineFault]:
    (line,) = understood(a_line(1, echeance=ECHEANCE, **cells))
    assert (line.holder is None) is bool(line.faults)
    return [fault.code for fault in line.faults]


def test_valid_until_is_the_last_valid_day_and_the_echeance_the_day_after() -> None:
    (line,) = understood(a_line(echeance=ECHEANCE, valide_jusqu_au="2027-12-09"))
    assert line.holder is not None
    assert (line.holder.term.start, line.holder.term.echeance) == (START, ECHEANCE)
    assert line.holder.links == (
        Link("CAR202500000001-1", PERMIT, START, since=START, until=None),
    )


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"numero": ""}, LineFault.MISSING),
        ({"numero": "CAR2025000001"}, LineFault.BAD_NUMBER),
        ({"numero": "CCV202500000001"}, LineFault.BAD_NUMBER),
        ({"nom": ""}, LineFault.MISSING),
        ({"nom": "ZoÃ© CÃ´tÃ©"}, LineFault.BAD_TEXT),
        ({"nom": "Zo\ufffd"}, LineFault.BAD_TEXT),
        ({"nom": "Zoé\u202e"}, LineFault.BAD_TEXT),
        ({"nom": "@Zoé"}, LineFault.FORMULA),
        ({"nom": "Z" * 201}, LineFault.TOO_LONG),
        ({"courriel": "zoe"}, LineFault.BAD_EMAIL),
        ({"courriel": "zoe@courriel"}, LineFault.BAD_EMAIL),
        ({"courriel": "zoe@a.example, z@b.example"}, LineFault.BAD_EMAIL),
        ({"langue": "es"}, LineFault.BAD_LANGUAGE),
        ({"debut": "2025-02-30"}, LineFault.BAD_DATE),
        ({"debut": "hier"}, LineFault.BAD_DATE),
        ({"debut": "10/12/2025"}, LineFault.AMBIGUOUS_DATE),
        ({"reussite_examen": "1-2-25"}, LineFault.AMBIGUOUS_DATE),
        ({"reussite_examen": "2025-12-11"}, LineFault.EXAM_AFTER_START),
        ({"reussite_examen": "2026-11-25"}, LineFault.EXAM_AHEAD),
        ({"reussite_examen": "2019-07-31"}, LineFault.BEFORE_THE_REGIME),
        ({"valide_jusqu_au": "2025-12-09"}, LineFault.TERM_BACKWARDS),
        ({"valide_jusqu_au": "2027-12-10"}, LineFault.TERM_TOO_LONG),
        ({"debut": "2026-11-25"}, LineFault.STARTS_AHEAD),
        ({"permis": ""}, LineFault.MISSING),
        ({"permis": "AR_1"}, LineFault.BAD_PERMIT),
        ({"lie_depuis": "2026-11-25"}, LineFault.LINK_BACKWARDS),
        ({"lie_jusqu_au": "2025-12-09"}, LineFault.LINK_BACKWARDS),
        ({"lie_depuis": "2025-12-10|2025-12-11"}, LineFault.LINKS_APART),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(cells: dict[str, str], code: LineFault) -> None:
    assert faults(**cells) == [code]


@pytest.mark.parametrize(
    "cells",
    [
        {"debut": "2025/12/10"},
        {"langue": ""},
        {"langue": "EN"},
        {"reussite_examen": "2025-12-10"},
        {"reussite_examen": "2019-08-01"},
        {"valide_jusqu_au": "2027-12-09"},
        {"valide_jusqu_au": "2025-12-10"},
        {"numero": "car 2025 0000 0001"},
        {"lie_depuis": str(TODAY)},
        {"lie_depuis": "2025-12-10", "lie_jusqu_au": "2025-12-10"},
        {"lie_jusqu_au": "2027-01-01"},
    ],
    ids=str,
)
def test_what_may_be_is_not_refused(cells: dict[str, str]) -> None:
    assert faults(**cells) == []


def test_several_permits_have_one_day_for_all_or_one_each() -> None:
    (line,) = understood(
        a_line(
            echeance=ECHEANCE,
            permis=f"{PERMIT} | {OTHER_PERMIT}",
            lie_depuis="2026-01-01",
            lie_jusqu_au="|2026-03-01",
        )
    )
    assert line.holder is not None
    since = date(2026, 1, 1)
    assert [(x.permit, x.since, x.until) for x in line.holder.links] == [
        (PERMIT, since, None),
        (OTHER_PERMIT, since, date(2026, 3, 1)),
    ]


def test_every_fault_of_a_line_is_found_and_said() -> None:
    (line,) = understood(a_line(echeance=ECHEANCE, courriel="zoe", langue="es"))
    assert [f.code for f in line.faults] == [
        LineFault.BAD_EMAIL,
        LineFault.BAD_LANGUAGE,
    ]
    assert "« es »" in line_refusal(line.faults, "fr").replace("\u00a0", " ")


def test_of_two_lines_that_exclude_each_other_the_first_stands() -> None:
    one, two = a_line(1, echeance=ECHEANCE), a_line(2, echeance=ECHEANCE)
    two[1], two[2] = "ZOÉ  côte 1", one[2].upper()
    over = a_line(3, echeance=TODAY)
    over[1], over[2] = one[1], one[2]
    lines = understood(one, two, one, over)
    assert [[f.code for f in line.faults] for line in lines] == [
        [],
        [LineFault.PERSON_TWICE],
        [LineFault.NUMBER_TWICE],
        [],
    ]


def test_the_same_line_told_again_has_the_same_key_and_another_does_not() -> None:
    def key(**cells: str) -> str:
        (line,) = understood(a_line(1, echeance=ECHEANCE, **cells))
        assert line.holder is not None
        return line.holder.key

    assert key() == key(langue="", debut=str(START).replace("-", "/"))
    last = ECHEANCE - timedelta(days=2)
    for changed in ({"nom": "Autre"}, {"valide_jusqu_au": str(last)}):
        assert key() != key(**changed)
