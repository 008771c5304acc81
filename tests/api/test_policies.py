"""The policy, as anybody with a role reads it."""

from datetime import date
from typing import Any

import pytest

from api.access import Role
from records.fees import note_act
from rules.dossier import Kind, Operation
from rules.fees import AdoptedFee
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


async def test_an_adopted_amount_is_shown_with_those_of_the_file(away: Doors) -> None:
    before = await away.get("/api/v1/policy/CAR", "officer")
    starts_on = date(away.today.year + 1, 7, 1)
    fee = AdoptedFee(Kind.CAR, Operation.RENEWAL, starts_on, 19000, "Gazette, p. 143")
    async with away.parts.sessions.begin() as session:
        await note_act(session, "adopted", fee, by="staff:claire")

    ahead = await away.get("/api/v1/policy/CAR", "officer")
    begun = await away.get(f"/api/v1/policy/CAR?on={starts_on}", "officer")

    adopted = {
        "from": str(starts_on),
        "cents": 19000,
        "confirmed": True,
        "source": "Gazette, p. 143",
    }
    fees = fees_of(before)
    assert fees_of(ahead) == fees_of(begun) == [*fees, adopted]
    assert ahead["version"] == before["version"]
    assert begun["version"] == f"CAR-{starts_on}"


def fees_of(shown: Any) -> Any:
    (table,) = (p for p in shown["parameters"] if p["name"] == "fees_renewal")
    return table["value"]


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
