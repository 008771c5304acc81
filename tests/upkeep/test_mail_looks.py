"""R7, R10 and the ledger: each disagreement planted three ways, found in one sweep."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client

from activities.reconciling import reconcile_once
from activities.sweeping_mail import RELAY_LOG_SAMPLE
from activities.upkeep import Means, Upkeep
from engine import begin
from records.clock import set_ahead
from records.models import DossierRow, Letter
from rules.agenda import agenda
from rules.civil_time import civil_date
from rules.dossier import Phase
from tests.activities.office import Office
from tests.activities.relay_log import RelayLog
from tests.dossiers import HOLDER, a_holder, a_policy, noon
from tests.kept import a_letter, a_mail, a_task, letters_of_each_state, real_now
from tests.letters.relay import ScriptedRelay, Taken
from tests.upkeep.server import a_closed_port, settings_for
from tests.upkeep.sweeping import found, set_row, signals_in
from workflows.upkeep import Check, Mend, SweepReport

HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)
PERSON = Mend.FOR_A_PERSON
NO_HEADS = "R12: no folder of exported heads is set"


@pytest.fixture
async def holder(office: Office, temporal: Client) -> None:
    await office.place(a_holder())
    await begin(temporal, HOLDER)


# ---------------------------------------------------------------- R7, the relay's log


@dataclass
class Relay:
    """A relay that took some letters, and the sweep that reads its log."""

    office: Office
    client: Client
    took: list[Taken] = field(default_factory=list)
    log_url: str | None = None

    async def sweep(self) -> SweepReport:
        upkeep = Upkeep(
            self.office.sessions,
            self.client,
            Means(relay_log_url=self.log_url, story_limit=timedelta(seconds=0.1)),
        )
        return await upkeep.sweep(real_now(), thorough=True)

    async def handed(self, about: str, state: str, *, took: bool, **says: Any) -> str:
        """Keep a letter tried an hour ago, which the relay took or not."""
        message_id = f"<{about}@echeance.example>"
        said = {"occurred_at": real_now(), "changed_at": real_now() - HOURS}
        letter = a_letter(
            about=about, state=state, message_id=message_id, **(said | says)
        )
        await self.office.add(letter)
        if took:
            data = f"Message-ID: {message_id}\r\n".encode()
            self.took.append(Taken("sender@a.example", ("r@a.example",), data, 1))
        return letter.key


@pytest.fixture
async def relay(office: Office, temporal: Client, holder: None) -> AsyncIterator[Relay]:
    async with ScriptedRelay() as scripted, RelayLog(scripted) as log:
        yield Relay(office, temporal, scripted.taken, log.url)


async def test_letters_on_which_we_and_the_relays_log_differ_are_given_to_a_person(
    relay: Relay,
) -> None:
    for state in ("accepted", "delivered", "bounced"):
        await relay.handed(f"same-{state}", state, took=True)
    for state in ("refused", "skipped", "cancelled"):
        await relay.handed(f"same-{state}", state, took=False)
    agreed = await relay.sweep()
    differ = [
        await relay.handed("lost", "accepted", took=False),
        await relay.handed("confirmed", "delivered", took=False),
        await relay.handed("left", "cancelled", took=True),
    ]

    report = await relay.sweep()

    assert found(agreed, Check.RELAY_LOG) == []
    assert sorted(found(report, Check.RELAY_LOG)) == [
        (key, PERSON) for key in sorted(differ)
    ]
    assert report.skipped == (NO_HEADS,)


async def test_what_a_log_may_not_know_yet_or_any_more_is_not_asked(
    relay: Relay,
) -> None:
    await relay.handed("just-now", "accepted", took=False, changed_at=real_now())
    long_ago = real_now() - 8 * DAYS
    await relay.handed("long-ago", "accepted", took=False, occurred_at=long_ago)
    await relay.handed("waits", "deferred", took=False)
    await relay.office.add(a_letter("receipt", "cancelled", occurred_at=real_now()))

    assert found(await relay.sweep(), Check.RELAY_LOG) == []


async def test_a_letter_of_a_clock_moved_ahead_is_asked_about_as_well(
    relay: Relay,
) -> None:
    in_two_years = real_now() + 730 * DAYS
    key = await relay.handed("a", "accepted", took=False, occurred_at=in_two_years)

    assert found(await relay.sweep(), Check.RELAY_LOG) == [(key, PERSON)]


async def test_a_log_that_does_not_answer_is_said_once(relay: Relay) -> None:
    relay.log_url = f"http://127.0.0.1:{await a_closed_port()}/log"
    for about in range(20):
        await relay.handed(str(about), "accepted", took=True)

    assert found(await relay.sweep(), Check.RELAY_LOG) == [("relay log", PERSON)]


async def test_without_a_log_the_report_says_that_nothing_was_compared(
    relay: Relay,
) -> None:
    relay.log_url = None
    await relay.handed("lost", "accepted", took=False)

    report = await relay.sweep()

    assert found(report, Check.RELAY_LOG) == []
    assert report.skipped == ("R7: no relay log is set", NO_HEADS)


async def test_the_log_is_asked_once_a_day_about_a_bounded_part(
    relay: Relay, office: Office
) -> None:
    for about in range(RELAY_LOG_SAMPLE + 5):
        await relay.handed(str(about), "accepted", took=False)

    first = await relay.sweep()
    upkeep = Upkeep(
        office.sessions,
        relay.client,
        Means(relay_log_url=relay.log_url, story_limit=timedelta(seconds=0.1)),
    )
    again = await upkeep.sweep(first.started_at)  # the same day, whatever the hour

    others = [f for f in first.findings if f.check is not Check.RELAY_LOG]
    assert first.found - len(others) == RELAY_LOG_SAMPLE
    assert found(again, Check.RELAY_LOG) == []


async def test_the_command_line_is_told_of_the_relays_log(relay: Relay) -> None:
    key = await relay.handed("lost", "accepted", took=False)
    assert relay.log_url is not None
    settings = settings_for(
        relay.office.url,
        ECHEANCE_TEMPORAL_ADDRESS=relay.client.service_client.config.target_host,
        ECHEANCE_TEMPORAL_NAMESPACE=relay.client.namespace,
        ECHEANCE_RELAY_LOG_URL=relay.log_url,
    )

    assert found(await reconcile_once(settings), Check.RELAY_LOG) == [(key, PERSON)]


# ----------------------------------------------------------- R10, messages that wait


async def test_messages_that_wait_for_nobody_are_given_to_a_person(
    office: Office, unattended: Upkeep, holder: None
) -> None:
    long_ago = real_now() - 12 * DAYS
    # By a moved clock this task was opened in a year: its message came when it came.
    in_a_year = {"opened_at": real_now() + 365 * DAYS}
    looked = {"looked_at": real_now().isoformat()}
    await office.add(
        a_mail("unmatched", "task", received_at=long_ago),
        a_mail("to-read", "fact", received_at=long_ago),
        a_mail("aside", "set_aside", received_at=long_ago),
        # None of these waits.
        a_mail("new", "task"),
        a_mail("settled", "task", received_at=long_ago),
        a_mail("aside-new", "set_aside"),
        a_mail("aside-seen", "set_aside", received_at=long_ago, understood=looked),
        a_mail("robot", "ignored", received_at=long_ago),
        a_task("unmatched", "mail_unmatched"),
        a_task("to-read", "mail_to_read", **in_a_year),
        a_task("new", "mail_unmatched"),
        a_task("settled", "mail_unmatched", closed_at=real_now()),
    )

    report = await unattended.sweep(real_now())

    assert sorted(found(report, Check.MESSAGES)) == [
        ("aside", PERSON),
        ("to-read", PERSON),
        ("unmatched", PERSON),
    ]


# ------------------------------------------------- the ledger, letters not explained


async def a_reminder_never_ordered(office: Office) -> str:
    """Have the holder's reminder of 30 days two days late, and the row say nothing."""
    dossier = a_holder(civil_date(real_now()) + timedelta(days=29))
    (duty,) = (d for d in agenda(dossier, a_policy()) if d.notice == "reminder_30")
    done = [d.key for d in agenda(dossier, a_policy()) if d.due_at < duty.due_at]
    await office.place(dossier)
    await set_row(
        office,
        HOLDER,
        version=1,
        kept_at=noon(dossier.opened_on),
        settled=done,
        next_due_at=real_now() + 20 * DAYS,
    )
    return duty.key


async def test_letters_that_nothing_explains_are_given_to_a_person(
    office: Office, temporal: Client, unattended: Upkeep
) -> None:
    never_ordered = await a_reminder_never_ordered(office)
    await begin(temporal, HOLDER)
    now: dict[str, Any] = {"occurred_at": real_now()}
    stuck = a_letter("invoice", "queued", changed_at=real_now() - 3 * HOURS, **now)
    untold = a_letter("expired", "bounced", changed_at=real_now() - 25 * HOURS, **now)
    told = a_letter("renewed", "bounced", changed_at=real_now() - 25 * HOURS, **now)
    await office.add(stuck, untold, told, a_task(told.key))
    await office.add(*letters_of_each_state(**now))

    report = await unattended.sweep(real_now())

    expected = [(key, PERSON) for key in sorted((never_ordered, stuck.key, untold.key))]
    assert sorted(found(report, Check.LEDGER)) == expected
    assert found(report, Check.DUTIES) == []
    # Two of them may move once their story looks again.
    assert await signals_in(temporal, HOLDER) == ["wake", "wake"]


async def test_a_duty_that_another_check_speaks_of_is_found_once(
    office: Office, temporal: Client, unattended: Upkeep
) -> None:
    await a_reminder_never_ordered(office)
    await begin(temporal, HOLDER)
    await set_row(office, HOLDER, next_due_at=real_now() - 2 * DAYS)

    report = await unattended.sweep(real_now())

    assert found(report, Check.DUTIES) == [(HOLDER, PERSON)]
    assert found(report, Check.LEDGER) == []


@pytest.mark.parametrize("sent", [True, False])
async def test_a_clock_moved_ahead_makes_a_letter_unexplained_only_if_it_is_lacking(
    office: Office, temporal: Client, unattended: Upkeep, sent: bool
) -> None:
    dossier = a_holder(civil_date(real_now()) + timedelta(days=700))
    await office.place(dossier)
    await begin(temporal, HOLDER)
    await set_row(office, HOLDER, version=9, kept_at=noon(dossier.opened_on))
    if sent:
        # The letters of two years left on the way, each at its own instant.
        await office.add(
            *(
                Letter(
                    key=duty.key,
                    dossier=HOLDER,
                    notice=duty.notice,
                    ordered={},
                    occurred_at=duty.due_at,
                    state="accepted",
                )
                for duty in agenda(dossier, a_policy())
                if duty.notice is not None
            )
        )
    async with office.sessions.begin() as session:
        await set_ahead(session, HOLDER, timedelta(days=699))

    report = await unattended.sweep(real_now(), thorough=True)

    assert bool(found(report, Check.LEDGER)) is not sent


async def test_a_closed_dossier_owes_no_letter(
    office: Office, unattended: Upkeep
) -> None:
    await a_reminder_never_ordered(office)
    await set_row(office, HOLDER, phase=Phase.CLOSED)

    assert found(await unattended.sweep(real_now()), Check.LEDGER) == []
    assert (await office.one(DossierRow, HOLDER)).phase == Phase.CLOSED
