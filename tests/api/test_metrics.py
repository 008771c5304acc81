"""What a scraper reads, parsed as a scraper parses it; Temporal is away throughout."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from api import metrics
from api.access import Role
from records.sweeps import Sweep
from rules.civil_time import civil_date
from tests.api.doors import Doors
from tests.dossiers import HOLDER, a_holder, noon
from tests.kept import a_letter, a_mail, a_task, real_now

HOUR = timedelta(hours=1)
Sample = tuple[str, frozenset[tuple[str, str]]]


async def scraped(doors: Doors) -> dict[Sample, float]:
    answer = await doors.ask("GET", "/metrics", "operator")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation and family.type == "gauge" for family in families)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def named(name: str, **labels: str) -> Sample:
    return f"echeance_{name}", frozenset(labels.items())


async def test_the_letters_and_what_waits_are_told_in_numbers(away: Doors) -> None:
    today = civil_date(real_now())
    dossier = a_holder()
    await away.office.place(dossier)
    at = noon(today)
    await away.office.add(
        a_letter("receipt", "accepted", occurred_at=at),
        a_letter("receipt", "accepted", about="b", occurred_at=at - timedelta(days=2)),
        a_letter("expired", "bounced", occurred_at=at),
        a_letter("renewed", "deferred", occurred_at=at, queued_at=real_now() - HOUR),
        a_letter("invoice", "queued", occurred_at=at, changed_at=real_now() - 3 * HOUR),
        a_mail("m1", "task", door="imap"),
        a_task("m1", "mail_unmatched", opened_at=real_now() - HOUR),
        Sweep(
            started_at=real_now() - HOUR,
            ended_at=real_now() - HOUR,
            findings=[{"check": "R7", "mend": "for_a_person"}] * 2,
        ),
    )

    found = await scraped(away)

    assert found[named("letters_today", notice="receipt", state="accepted")] == 1
    assert found[named("letters_last_7_days", notice="receipt", state="accepted")] == 2
    assert found[named("letters_today", notice="expired", state="bounced")] == 1
    assert found[named("letters_waiting")] == 2
    assert found[named("letters_unexplained")] == 1
    assert 3600 <= found[named("letters_oldest_waiting_seconds")] < 7200
    assert found[named("mail_last_7_days", outcome="task", door="imap")] == 1
    assert found[named("tasks_open", reason="mail_unmatched")] == 1
    assert found[named("tasks_oldest_open_seconds", reason="mail_unmatched")] >= 3600
    assert found[named("facts_waiting")] == found[named("facts_oldest_waiting_seconds")]
    assert found[named("dossiers_open", phase="in_force")] == 1
    assert 3600 <= found[named("sweep_age_seconds")] < 7200
    assert found[named("sweep_findings", check="R7", mend="for_a_person")] == 2


async def test_an_office_with_nothing_in_it_tells_zeros_and_no_age_of_a_sweep(
    away: Doors,
) -> None:
    found = await scraped(away)
    assert found == {
        named("letters_waiting"): 0,
        named("letters_oldest_waiting_seconds"): 0,
        named("letters_unexplained"): 0,
        named("facts_waiting"): 0,
        named("facts_oldest_waiting_seconds"): 0,
    }


async def test_no_label_names_a_dossier_a_person_or_an_address(away: Doors) -> None:
    await away.office.place(a_holder(), person="Nadia Benali")
    await away.office.add(
        a_letter(recipient="nadia@courriel.example", subject="Nadia", answer="550 no"),
        a_mail("m1", "task", dossier=HOLDER),
        a_task("m1", "mail_unmatched"),
    )
    told = (await away.ask("GET", "/metrics", "operator")).text
    assert "mail_unmatched" in told
    for secret in (HOLDER, "Benali", "Nadia", "nadia", "@", "550", "m1"):
        assert secret not in told


async def test_only_an_operator_reads_the_numbers(away: Doors) -> None:
    for role in set(Role) - {Role.OPERATOR}:
        answer = await away.ask("GET", "/metrics", role)
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_role")
    assert (await away.ask("GET", "/metrics")).status_code == 401
    # And an operator reads nothing else.
    for path in ("/api/v1/staff/tasks", f"/api/v1/dossiers/{HOLDER}"):
        assert (await away.ask("GET", path, "operator")).status_code == 403


@pytest.fixture
def kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "KEPT_FOR_S", 3600.0)


@pytest.fixture
def never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "KEPT_FOR_S", -1.0)


@pytest.fixture
def statements(away: Doors) -> Iterator[list[str]]:
    engine = away.parts.sessions.kw["bind"].sync_engine
    noted: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        if "access_tokens" not in statement:
            noted.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield noted
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.usefixtures("kept_for_ever")
async def test_many_scrapers_at_once_cost_the_database_one_look(
    away: Doors, statements: list[str]
) -> None:
    await asyncio.gather(*(scraped(away) for _ in range(8)))
    assert len(statements) <= 5
    before = len(statements)
    await away.office.add(a_mail("m1", "task"))
    assert named("mail_last_7_days", outcome="task", door="lmtp") not in await scraped(
        away
    )
    assert len([s for s in statements[before:] if "INSERT" not in s]) == 0


@pytest.mark.usefixtures("never_kept")
async def test_what_is_old_is_looked_at_anew(away: Doors) -> None:
    assert named("mail_last_7_days", outcome="task", door="lmtp") not in await scraped(
        away
    )
    await away.office.add(a_mail("m1", "task"))
    assert named("mail_last_7_days", outcome="task", door="lmtp") in await scraped(away)
