"""The page of reconciliation and its twin for machines."""

from datetime import timedelta

from api.access import Role
from records.sweeps import Sweep
from tests.api.doors import Doors
from tests.dossiers import HOLDER
from tests.kept import real_now

PAGE = "/bureau/concordance"


async def swept(doors: Doors, minutes_ago: int, **says: object) -> None:
    at = real_now() - timedelta(minutes=minutes_ago)
    await doors.office.add(Sweep(started_at=at, ended_at=at, checked=20, **says))


def a_finding(about: str, check: str = "R5", mend: str = "for_a_person") -> object:
    return {
        "check": check,
        "about": about,
        "code": "duty_not_done",
        "what": "a duty is not done",
        "mend": mend,
        "values": {"at": "2026-11-24T14:00:00+00:00"},
    }


async def page(doors: Doors, language: str = "fr") -> str:
    await doors.sit_down(Role.OFFICER, "staff:claire")
    answer = await doors.ask("GET", f"/{language}{PAGE}")
    assert answer.status_code == 200, answer.text
    return answer.text.replace("\xa0", " ")


async def test_a_clean_day_says_so_and_its_hour(away: Doors) -> None:
    await swept(away, 1)
    said = await page(away)
    assert "Tout concorde." in said
    assert "Dernière comparaison" in said


async def test_what_was_found_twice_is_shown_once_with_its_dossier_and_its_age(
    away: Doors,
) -> None:
    old = {
        "check": "R13",
        "about": "database",
        "what": "31 s apart",
        "mend": "repaired",
    }
    await swept(away, 90, findings=[a_finding(HOLDER), old])
    await swept(away, 1, findings=[a_finding(HOLDER)], skipped=["R7: no log"])
    said = await page(away)
    told = await away.get("/api/v1/staff/sweeps", "officer")

    assert said.count(f'href="/fr/bureau/dossier/{HOLDER}"') == 1
    assert "n'est pas fait" in said.replace("&#39;", "'")
    assert "31 s apart" in said  # a sweep of an earlier version had no code
    assert "R7: no log" in said
    assert (told["found"], told["for_a_person"], told["repaired"]) == (2, 1, 1)
    assert [each["check"] for each in told["checks"]] == ["R13", "R5"]
    (late,) = (each for each in told["findings"] if each["check"] == "R5")
    assert late["first_seen_at"] < late["last_seen_at"]
    assert told["skipped"] == ["R7: no log"]
    assert not told["late"]


async def test_sweeps_that_no_longer_come_are_said_in_red(away: Doors) -> None:
    assert "Nothing has been compared yet" in await page(away, "en")
    await swept(away, 10)
    said = await page(away, "en")
    assert "They no longer come" in said
    assert "Everything agrees" in said
    assert (await away.get("/api/v1/staff/sweeps", "operator"))["late"]


async def test_what_was_not_looked_at_is_said_in_the_language_of_the_page(
    away: Doors,
) -> None:
    why = [
        "R7: no relay log is set",
        "R12: no folder of exported heads is set",
        "R14: this Temporal has no TemporalReportedProblems",
        "R4: 2 of 30 stories did not answer",
    ]
    await swept(away, 1, skipped=why)
    french, english = await page(away), await page(away, "en")
    for said in why:
        assert said not in french
        assert said not in english
    assert "2 dossiers sur 30 n'ont pas répondu" in french.replace("&#39;", "'")
    assert "2 of 30 files did not answer" in english
