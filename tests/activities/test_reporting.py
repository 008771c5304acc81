"""The operator's mail of a day: once, also when all is well, and in doubt not twice."""

import email
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from activities.reporting import Desk, Reporting
from letters.connections import Connections
from letters.smtp import Relay
from records.daily import day_to_report
from records.heads_file import write_heads
from records.histories import Head
from records.sweeps import DailyReport, Sweep
from tests.activities.attempt import DESK
from tests.activities.office import Office, run
from tests.activities.relay_log import RelayLog
from tests.dossiers import noon
from tests.kept import real_now
from tests.letters.relay import Script, ScriptedRelay, Taken

DAY = date(2026, 11, 26)
OWN_ID = "<report-of-the-day@echeance.example>"


@pytest.fixture
async def relay() -> AsyncIterator[ScriptedRelay]:
    async with ScriptedRelay() as relay:
        yield relay


async def told(office: Office, relay: ScriptedRelay, desk: Desk = DESK) -> None:
    connections = Connections(Relay("127.0.0.1", relay.port, data_timeout=0.3))
    office.opened.push_async_callback(connections.close)
    await run(Reporting(office.sessions, connections, desk).tell_operator, DAY)


def read(taken: Taken) -> EmailMessage:
    message = email.message_from_bytes(taken.data, policy=default)
    assert isinstance(message, EmailMessage)
    return message


async def a_sweep(office: Office, **says: object) -> None:
    now = real_now() - timedelta(minutes=1)
    await office.add(Sweep(started_at=now, ended_at=now, checked=18412, **says))


async def state_of(office: Office) -> str:
    return (await office.one(DailyReport, DAY)).state


async def test_a_day_without_a_finding_is_told_once_however_often_it_is_asked(
    office: Office, relay: ScriptedRelay, tmp_path: Path
) -> None:
    await a_sweep(office)
    head = Head("CAR202400000001", 7, "f" * 64)
    write_heads(tmp_path, [head], at=real_now(), day=DAY, secret=b"s")
    for _ in range(3):
        await told(office, relay, replace(DESK, heads_dir=tmp_path))

    (taken,) = relay.taken
    mail = read(taken)
    assert taken.recipients == ("exploitation@bureau.example",)
    assert mail["Subject"].replace("\xa0", " ") == (
        "Échéance, 2026-11-26 : vérifié 18412, trouvé 0"
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    body = mail.get_content()
    assert "1 dossiers, 7 lignes" in body
    assert "https://echeance.example/fr/bureau/concordance" in body
    assert await state_of(office) == "accepted"


async def test_what_sweeps_find_again_and_again_counts_once_and_names_nobody(
    office: Office, relay: ScriptedRelay
) -> None:
    found = {
        "check": "R2",
        "about": "CAR202400000001",
        "code": "started_again",
        "what": "started again",
        "mend": "repaired",
    }
    skipped = ["R7: no relay log is set"]
    await a_sweep(office, findings=[found], skipped=skipped)
    await a_sweep(office, findings=[found])
    await told(office, relay, replace(DESK, language="en"))

    mail = read(relay.taken[0])
    assert mail["Subject"] == "Échéance, 2026-11-26: checked 18412, found 1"
    body = mail.get_content()
    assert "Found: 1. Mended: 1. For a person: 0." in body
    assert "R2: 1" in body
    assert "Not looked at: R7" in body
    assert "CAR2024" not in body


async def test_a_mail_that_the_relay_puts_off_is_tried_again(
    office: Office, relay: ScriptedRelay
) -> None:
    relay.scripts = [Script(rcpt="450 later"), Script()]
    await told(office, relay)
    assert (relay.taken, await state_of(office)) == ([], "deferred")
    await told(office, relay)
    assert (len(relay.taken), await state_of(office)) == (1, "accepted")


@pytest.mark.parametrize(
    ("log", "in_log", "sent", "state"),
    [
        (False, False, 0, "unknown"),
        (True, True, 0, "accepted"),
        (True, False, 1, "accepted"),
    ],
    ids=["no log", "it left", "it did not leave"],
)
async def test_a_mail_broken_off_is_sent_again_only_if_the_log_does_not_have_it(
    office: Office, relay: ScriptedRelay, log: bool, in_log: bool, sent: int, state: str
) -> None:
    async with RelayLog(relay) as answers:
        desk = replace(DESK, relay_log_url=answers.url if log else None)
        await told(office, relay, desk)
        async with office.sessions.begin() as session:
            row = await session.get_one(DailyReport, DAY)
            row.state = "sending"
        if not in_log:
            relay.taken.clear()
        before = len(relay.taken)
        await told(office, relay, desk)
    assert (len(relay.taken) - before, await state_of(office)) == (sent, state)


async def test_nobody_is_told_where_no_operator_is_named(
    office: Office, relay: ScriptedRelay
) -> None:
    await told(office, relay, replace(DESK, address=None))
    assert (relay.taken, await office.rows(DailyReport)) == ([], [])


async def test_the_mail_of_a_day_is_due_from_six_in_the_morning_until_it_ended(
    office: Office,
) -> None:
    at_noon = noon(DAY)
    early = at_noon - timedelta(hours=6, minutes=1)  # 05:59 in Québec
    async with office.sessions.begin() as session:
        assert await day_to_report(session, early) == DAY - timedelta(days=1)
        assert await day_to_report(session, at_noon) == DAY
        session.add(DailyReport(day=DAY, message_id=OWN_ID, state="deferred"))
        await session.flush()
        assert await day_to_report(session, at_noon) == DAY
        (await session.get_one(DailyReport, DAY)).state = "refused"
        await session.flush()
        assert await day_to_report(session, at_noon) is None
