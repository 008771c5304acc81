"""What a scraper counts: each number, told apart by no name of a person or dossier."""

from datetime import timedelta

from records.measures import LastSweep, last_ended_sweep, measures
from records.models import FactRow
from records.sweeps import Sweep
from rules.civil_time import civil_date
from tests.activities.office import Office
from tests.dossiers import HOLDER, a_holder, a_newcomer, noon
from tests.kept import a_letter, a_mail, a_task, real_now

HOUR = timedelta(hours=1)


async def counted(office: Office) -> dict[tuple[str | None, ...], float]:
    async with office.sessions() as session:
        found = await measures(session, civil_date(real_now()))
    named: dict[tuple[str | None, ...], float] = {
        (m.what, *(name for name in m.names if name is not None)): m.value
        for m in found
    }
    assert len(named) == len(found)
    return named


async def test_an_empty_office_counts_nothing_and_no_age(office: Office) -> None:
    assert await counted(office) == {
        ("letters_waiting",): 0,
        ("oldest_letter",): 0,
        ("letters_at_a_standstill",): 0,
        ("facts_waiting",): 0,
        ("oldest_fact",): 0,
    }


async def test_letters_are_counted_by_notice_and_state_today_and_before(
    office: Office,
) -> None:
    today = civil_date(real_now())
    days = [noon(today - timedelta(days=n)) for n in (0, 0, 6, 7, -1)]
    await office.place(a_holder())
    await office.add(
        *(a_letter(about=str(n), occurred_at=at) for n, at in enumerate(days)),
        a_letter(
            "receipt", "deferred", queued_at=real_now() - HOUR, occurred_at=days[0]
        ),
        a_letter(
            "receipt",
            "queued",
            about="still",
            occurred_at=days[3],
            changed_at=real_now() - 3 * HOUR,
        ),
    )

    found = await counted(office)

    assert found["letters", "reminder_30", "accepted", "today"] == 2
    assert found["letters", "reminder_30", "accepted", "before"] == 1
    assert found["letters", "receipt", "deferred", "today"] == 1
    assert len([key for key in found if key[0] == "letters"]) == 3
    assert found["letters_waiting",] == 2
    assert found["letters_at_a_standstill",] == 1
    assert HOUR.total_seconds() <= found["oldest_letter",] < 2 * HOUR.total_seconds()


async def test_messages_tasks_facts_and_dossiers_are_counted(office: Office) -> None:
    await office.place(a_holder())
    await office.place(a_newcomer(), person="Zoé Roy")
    at = real_now()
    await office.add(
        a_mail("m1", "task"),
        a_mail("m2", "task", door="imap"),
        a_mail("m3", "task"),
        a_mail("old", "task", received_at=at - timedelta(days=8)),
        a_task("m1", "mail_unmatched", opened_at=at - HOUR),
        a_task("m2", "mail_unmatched"),
        a_task("m3", "mail_unmatched", closed_at=at),
        # By the dossier's own clock it opens in a year: it has no age.
        a_task("m3", "mail_to_read", opened_at=at + timedelta(days=365)),
        *(a_fact(f"f{n}", state) for n, state in enumerate(("new", "applied", "dead"))),
    )

    found = await counted(office)

    assert found["mails", "task", "lmtp"] == 2
    assert found["mails", "task", "imap"] == 1
    assert found["tasks", "mail_unmatched"] == 2
    assert found["tasks", "mail_to_read"] == 1
    assert 3600 <= found["oldest_task", "mail_unmatched"] < 7200
    assert found["oldest_task", "mail_to_read"] == 0
    assert found["facts_waiting",] == 1
    assert 3600 <= found["oldest_fact",] < 7200
    assert found["dossiers", "in_force"] == found["dossiers", "exam_awaited"] == 1


def a_fact(name: str, state: str) -> FactRow:
    at = real_now() - HOUR
    return FactRow(
        fact_id=name,
        dossier=HOLDER,
        kind="exam_passed",
        source="exam_body",
        body={},
        occurred_at=at,
        received_at=at,
        stored_at=at,
        state=state,
    )


async def test_the_last_sweep_that_ended_tells_what_it_found(office: Office) -> None:
    async with office.sessions() as session:
        assert await last_ended_sweep(session) is None
    at = real_now()
    findings = [
        {"check": "R2", "mend": "repaired", "about": HOLDER, "what": "started"},
        {"check": "R7", "mend": "for_a_person", "about": "k", "what": "unknown"},
    ]
    await office.add(Sweep(started_at=at, ended_at=at, findings=[]))
    await office.add(Sweep(started_at=at, ended_at=at + HOUR, findings=findings))
    await office.add(Sweep(started_at=at))

    async with office.sessions() as session:
        found = await last_ended_sweep(session)

    expected = [("R2", "repaired"), ("R7", "for_a_person")]
    assert found == LastSweep(at + HOUR, expected)
