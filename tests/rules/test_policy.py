"""The policy as dated data: every value sourced, every wrong table refused by name."""

import re
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from rules.dossier import Kind
from rules.policy import (
    SHOWN_ONLY,
    Policy,
    PolicyEntry,
    PolicyError,
    Rung,
    build_policy,
    entries_in_force,
    load_policy,
    policy_entries,
)
from tests.dossiers import TODAY, a_policy

CHECKOUT = Path(__file__).parents[2]
LETTERS = CHECKOUT / "letters"
FIRST_DAY = date(2019, 8, 1)
NEWEST = policy_entries(Kind.CAR, date.max)
ENTRIES = {entry.name: entry for entry in policy_entries(Kind.CAR, TODAY)}
Tables = dict[str, list[dict[str, Any]]]

each_entry = pytest.mark.parametrize("entry", NEWEST, ids=lambda entry: str(entry.name))

# ---------------------------------------------------------------- what is there


@each_entry
def test_each_parameter_has_a_source_a_first_day_and_an_owner(
    entry: PolicyEntry,
) -> None:
    assert entry.source
    assert entry.starts_on >= FIRST_DAY
    # Whatever is our choice says what was open.
    assert entry.ours is (entry.question is not None)


SWITCHES: list[tuple[str, object, tuple[object, ...]]] = [
    ("reminders_counted_from", "last_valid_day", ("echeance",)),
    ("exam_ladder_counted_from", "extended_limit", ("bare_limit",)),
    ("transfer_rule", "narrow", ("wide",)),
    ("delays_extended", True, (False,)),
    ("late_renewal", "timely_in_extended_delay", ("no_extension",)),
    ("renewed_term_starts", "old_echeance", ("payment",)),
    ("leap_day_term", "february_28", ("march_1",)),
    ("first_day_of_certificate", "condition_occurred", ("told",)),
    ("reversal_in_time", "undone", ()),
    ("reversal_after_issue", "task", ("undone",)),
    ("late_told_payment", "honoured", ()),
    ("payment_after_exam_lapsed", "refunded", ("kept_for_new_exam",)),
    ("request_for_another_person", "task", ()),
    ("last_link_lost", "suspended_that_day", ()),
    ("account_dormant_after_months", 22, ("another number of months",)),
]
"""The open questions, in the order in which the Office is asked (9b)."""


@pytest.mark.parametrize(("name", "default", "others"), SWITCHES)
def test_each_open_question_is_a_switch_with_its_default_and_its_other_value(
    name: str, default: object, others: tuple[object, ...]
) -> None:
    entry = ENTRIES[name]
    assert (entry.value, entry.other_values) == (default, others)
    assert entry.ours
    assert entry.question


def test_no_switch_is_left_out_of_the_questions_put_to_the_office() -> None:
    shown = {entry.name for entry in NEWEST if entry.other_values} | SHOWN_ONLY
    assert shown == {name for name, _, _ in SWITCHES}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (name, other)
        for name, default, others in SWITCHES
        for other in others
        if type(other) is type(default)
    ],
)
def test_each_other_value_can_be_chosen_and_changes_that_switch_alone(
    name: str, other: object
) -> None:
    changed = a_policy(**{name: other})
    default = a_policy()
    differ = {
        field
        for field in Policy.__dataclass_fields__
        if getattr(changed, field) != getattr(default, field)
    }
    assert differ == {name, "version"}
    assert getattr(changed, name) == other


def test_each_named_choice_of_a_switch_is_a_value_of_the_table() -> None:
    for name, field in Policy.__dataclass_fields__.items():
        choices = field.type
        if not isinstance(choices, type) or not issubclass(choices, StrEnum):
            continue
        if choices is not Kind:
            entry = ENTRIES[name]
            assert {entry.value, *entry.other_values} == set(choices)


def test_the_ladders_fall_to_the_last_day_itself() -> None:
    policy = a_policy()
    steps = [90, 60, 30, 14, 7, 1, 0]
    assert [rung.days_before for rung in policy.reminders] == steps
    assert policy.reminders[0] == Rung(90, "reminder_90")
    assert policy.exam_ladder[-1] == Rung(0, "exam_ends_0")


@pytest.mark.parametrize(
    "notice",
    [
        *[r.notice for r in (*a_policy().reminders, *a_policy().exam_ladder)],
        "account_dormant",
        "items_missing",
    ],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_notice_of_the_agenda_has_its_words_in_both_languages(
    notice: str, language: str
) -> None:
    folder = LETTERS / notice / language
    for part in ("subject.txt", "body.txt"):
        assert (folder / part).read_text(encoding="utf-8").strip()


# ---------------------------------------------------------------------- versions


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2019, 8, 1), "CAR-2019-08-01"),
        (date(2020, 6, 30), "CAR-2019-08-01"),
        (date(2020, 7, 1), "CAR-2020-07-01"),
        (date(2021, 6, 30), "CAR-2020-07-01"),
        (date(2021, 7, 1), "CAR-2021-07-01"),
        (date(2022, 7, 1), "CAR-2022-07-01"),
        (date(2024, 6, 30), "CAR-2022-07-01"),
        (date(2024, 7, 1), "CAR-2024-07-01"),
        (date(2025, 6, 30), "CAR-2024-07-01"),
        (date(2025, 7, 1), "CAR-2025-07-01"),
        (date(2026, 11, 24), "CAR-2025-07-01"),
    ],
)
def test_the_version_is_the_day_of_the_newest_row_that_has_begun(
    day: date, version: str
) -> None:
    assert load_policy(Kind.CAR, day).version == version


def test_there_is_no_policy_before_the_first_day_of_the_regime() -> None:
    with pytest.raises(
        PolicyError, match=r"policies/car\.toml: term_years: no row for 2019-07-31"
    ):
        load_policy(Kind.CAR, date(2019, 7, 31))


# ------------------------------------------------------------------ wrong tables


def steps(*pairs: tuple[Any, str]) -> list[dict[str, Any]]:
    return [{"days_before": days, "notice": notice} for days, notice in pairs]


def fees(*pairs: tuple[date, Any]) -> list[dict[str, Any]]:
    return [
        {"from": day, "cents": cents, "confirmed": True, "source": "S2"}
        for day, cents in pairs
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"reminders": steps((30, "a"), (30, "b"))},
            "reminders: b: 30 days before do not come after 30",
        ),
        (
            {"reminders": steps((7, "a"), (30, "b"))},
            "reminders: b: 30 days before do not come after 7",
        ),
        (
            {"exam_ladder": steps((30, "a"), (7, "a"))},
            "exam_ladder: a: one notice, two steps",
        ),
        (
            {"exam_ladder": steps((7, "a"), (-1, "b"))},
            "exam_ladder: row 2: days_before: -1 is negative",
        ),
        (
            {"reminders": steps(("30", "a"))},
            "reminders: row 1: days_before: '30' is not of type int",
        ),
        ({"reminders": [{"days_before": 30}]}, "reminders: row 1 lacks 'notice'"),
        ({"reminders": 30}, "reminders: 30 is not of type list"),
        (
            {"fees_issue": fees((FIRST_DAY, 18000), (date(2021, 7, 1), -1))},
            "fees_issue: row 2: cents: -1 is negative",
        ),
        (
            {"fees_renewal": fees((FIRST_DAY, 0))},
            "fees_renewal: row from 2019-08-01: 0 cents: an amount must be above zero",
        ),
        (
            {"fees_renewal": fees((FIRST_DAY, 185.0))},
            "fees_renewal: row 1: cents: 185.0 is not of type int",
        ),
        (
            {"fees_renewal": fees((TODAY, 1), (FIRST_DAY, 2))},
            "fees_renewal: row from 2019-08-01: must follow the row from 2026-11-24",
        ),
        (
            {"fees_renewal": fees((TODAY, 1), (TODAY, 2))},
            "fees_renewal: row from 2026-11-24: must follow the row from 2026-11-24",
        ),
        ({"fees_issue": []}, "fees_issue: has no row"),
        (
            {"transfer_rule": "broad"},
            "transfer_rule: 'broad' is not one of narrow, wide",
        ),
        ({"late_renewal": True}, "late_renewal: True is not one of"),
        ({"delays_extended": "yes"}, "delays_extended: 'yes' is not of type bool"),
        ({"task_days": True}, "task_days: True is not of type int"),
        ({"task_days": -5}, "task_days: -5 is negative"),
        ({"term_years": 0}, "term_years: must be one year or more"),
        (
            {"letters_from_hour": 23},
            "letters_spread_minutes: a letter must leave on its own day, from 23:00 on",
        ),
        ({"letters_from_hour": 24, "letters_spread_minutes": 0}, "from 24:00 on"),
        ({"half_life": 2}, "half_life: no such parameter"),
    ],
)
def test_a_wrong_value_is_refused_with_its_table_and_its_row(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        a_policy(**changes)
    assert str(refused.value).startswith("policies/car.toml: ")
    assert sentence in str(refused.value)


@pytest.mark.parametrize("name", sorted(ENTRIES.keys() - SHOWN_ONLY))
def test_a_parameter_that_is_missing_is_named(name: str) -> None:
    values = {key: entry.value for key, entry in ENTRIES.items() if key != name}
    with pytest.raises(PolicyError, match=rf"car\.toml: {name}: has no value"):
        build_policy(Kind.CAR, "test", values)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ([{"value": 2, "source": "S4"}], "term_years: row 1 lacks 'from'"),
        ([{"from": FIRST_DAY, "source": "S4"}], "term_years: row 1 lacks 'value'"),
        (
            [
                {"from": FIRST_DAY, "value": 2, "source": "S4"},
                {"from": TODAY, "value": 3},
            ],
            "term_years: row 2 lacks 'source'",
        ),
        (
            2 * [{"from": FIRST_DAY, "value": 2, "source": "S4"}],
            "term_years: two rows from 2019-08-01",
        ),
        ([], "term_years: no row for 2026-11-24"),
        (
            [{"from": date(2026, 11, 25), "value": 2, "source": "S4"}],
            "term_years: no row for 2026-11-24",
        ),
    ],
)
def test_a_table_without_one_clear_row_for_the_day_is_refused(
    table: list[dict[str, Any]], sentence: str
) -> None:
    with pytest.raises(PolicyError, match=re.escape(f"car.toml: {sentence}")):
        entries_in_force(Kind.CAR, {"term_years": table}, TODAY)


@pytest.mark.parametrize(
    ("day", "years"),
    [(date(2026, 11, 23), 2), (date(2026, 11, 24), 3), (date(2026, 11, 25), 3)],
)
def test_a_new_row_applies_from_its_first_day_on(day: date, years: int) -> None:
    tables: Tables = {
        "term_years": [
            {"from": TODAY, "value": 3, "source": "S4"},
            {"from": FIRST_DAY, "value": 2, "source": "S4"},
        ]
    }
    (entry,) = entries_in_force(Kind.CAR, tables, day)
    assert entry.value == years
