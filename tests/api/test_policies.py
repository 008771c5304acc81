"""The policy, as anybody with a role reads it."""

from datetime import date

import pytest

from api.access import Role
from rules.dossier import Kind
from rules.policy import policy_entries
from tests.api.doors import Doors


@pytest.mark.parametrize("role", list(Role))
async def test_every_parameter_in_force_is_shown_with_its_source(
    away: Doors, role: str
) -> None:
    shown = await away.get("/api/v1/policy/CAR", role, params={"on": "2026-11-24"})
    assert shown["on"] == "2026-11-24"
    assert shown["version"].startswith("CAR-")
    entries = policy_entries(Kind.CAR, date(2026, 11, 24))
    assert [p["name"] for p in shown["parameters"]] == [e.name for e in entries]
    rule = next(p for p in shown["parameters"] if p["name"] == "transfer_rule")
    assert (rule["value"], rule["other_values"]) == ("narrow", ["wide"])
    assert rule["ours"] is True
    assert rule["question"].endswith("?")
    assert rule["from"] == "2019-08-01"
    assert all(p["source"] for p in shown["parameters"])


async def test_the_policy_of_today_is_shown_when_no_day_is_asked(away: Doors) -> None:
    shown = await away.get("/api/v1/policy/CAR", "officer")
    assert shown["on"] == str(away.today)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("CAR?on=2019-07-31", 404, "no_policy_on_that_day"),
        ("CAR?on=0001-01-01", 404, "no_policy_on_that_day"),
        ("CAR?on=2019-08-01", 200, None),
        ("CAR?on=9999-12-31", 200, None),
        ("CAR?on=never", 422, "invalid_request"),
        ("CCV", 422, "invalid_request"),
    ],
)
async def test_a_day_before_the_regime_has_no_policy(
    away: Doors, path: str, status: int, code: str | None
) -> None:
    answer = await away.ask("GET", f"/api/v1/policy/{path}", "officer")
    assert (answer.status_code, answer.json().get("code")) == (status, code)
