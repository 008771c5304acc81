"""SIGKILL before and after each effect; the next attempt leaves it done once."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from temporalio.exceptions import ApplicationError

from activities.certificates import Certificates
from activities.crashpoints import CRASHPOINTS
from activities.dossiers import Dossiers
from activities.importing import Importing
from engine import story_of
from intake.delivery import store_fact
from records.imports import ImportRow
from records.models import Agency, Certificate, ExamResult, FactRow, TaskRow
from records.money import PaymentRow, RefundRow
from records.sweeps import DailyReport
from rules.dossier import Kind
from tests.activities.attempt import (
    ImportAsked,
    ReportAsked,
    a_post,
    attempt,
    give_back,
)
from tests.activities.office import Office, run
from tests.activities.relay_log import RelayLog
from tests.dossiers import HOLDER, NEWCOMER, PERMIT, TODAY, a_newcomer, noon
from tests.importing.sheets import a_line, say_yes
from tests.letters.relay import ScriptedRelay
from tests.upkeep.server import a_server
from tests.upkeep.sweeping import an_exam
from workflows.messages import (
    CertificateClaim,
    FactsSetAside,
    RefundOrdered,
    ResultMove,
    Told,
)

pytestmark = pytest.mark.usefixtures("holder")

TESTS = Path(__file__).parents[1]
MOVE = ResultMove(result_id="exam-old", from_dossier=HOLDER, to_dossier=NEWCOMER)
CLAIM = CertificateClaim(
    dossier=NEWCOMER, kind=Kind.CAR, start=TODAY, echeance=date(2028, 11, 24)
)
ASIDE = FactsSetAside(number="CAR209900000009", fact_ids=("f-1",), at=noon(TODAY))


async def _moved(office: Office) -> None:
    assert (await office.one(ExamResult, "exam-old")).home == NEWCOMER


async def _issued(office: Office) -> None:
    (issued,) = await office.rows(Certificate)
    assert (issued.number, issued.status) == (NEWCOMER, "in_force")


async def _set_aside(office: Office) -> None:
    assert [task.about for task in await office.rows(TaskRow)] == ["f-1"]


Then = Callable[[Office], Awaitable[None]]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("effect", "about", "given", "then"),
    [
        ("move_result", "move", MOVE, _moved),
        ("claim_certificate", "certificate", CLAIM, _issued),
        ("set_facts_aside", "aside", ASIDE, _set_aside),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_effect_whose_process_was_killed_is_done_once(
    office: Office,
    effects: Dossiers,
    when: str,
    effect: str,
    about: str,
    given: BaseModel,
    then: Then,
) -> None:
    await office.place(a_newcomer())
    await office.add(
        ExamResult(result_id="exam-old", passed_on=date(2025, 1, 9), home=HOLDER)
    )
    killed = await attempt(given, office.url, crash_at=f"{when}_{about}")
    assert killed == -9
    owner: Any = effects if hasattr(effects, effect) else Certificates(office.sessions)
    assert await run(getattr(owner, effect), given) in {True, None}
    await then(office)


@pytest.mark.parametrize("crash_at", ["before_told", "after_told"])
async def test_a_fact_whose_teller_was_killed_waits_for_the_next(
    office: Office, effects: Dossiers, crash_at: str
) -> None:
    async with office.sessions.begin() as session:
        await store_fact(session, HOLDER, an_exam())
    told = Told(to=HOLDER, fact=an_exam())
    assert await attempt(told, office.url, crash_at=crash_at) == -9
    assert (await office.one(FactRow, "exam-1")).state == "new"
    with pytest.raises(ApplicationError, match="facts left"):
        await run(effects.deliver_told, ["exam-1"])  # Temporal is away all the same


@pytest.mark.parametrize("crash_at", ["before_refund", "after_refund"])
async def test_money_whose_giver_was_killed_goes_back_once(
    office: Office,
    effects: Dossiers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    crash_at: str,
) -> None:
    await office.add(
        PaymentRow(
            payment_id="pay-1",
            invoice_id="unknown",
            dossier=HOLDER,
            amount_cents=18500,
            currency="CAD",
            captured_at=datetime(2026, 11, 24, 15, tzinfo=UTC),
        ),
        RefundRow(
            key="refund-1",
            payment_id="pay-1",
            dossier=HOLDER,
            amount_cents=18500,
            currency="CAD",
            why="double_payment",
            ordered_by="rule",
        ),
    )
    book = tmp_path / "book"
    monkeypatch.setenv("PROVIDERS_BOOK", str(book))
    ordered = RefundOrdered(
        key="refund-1",
        payment_id="pay-1",
        amount_cents=18500,
        currency="CAD",
        why="double_payment",
    )
    assert await attempt(ordered, office.url, crash_at=crash_at) == -9
    for _ in range(2):
        await give_back(office.sessions, effects._client, book)
    assert book.read_text().split() == ["refund-1"]
    (refund,) = await office.rows(RefundRow)
    assert (refund.state, refund.refund_id) == ("done", "ref-refund-1")
    assert [fact.kind for fact in await office.rows(FactRow)] == ["payment_refunded"]


@pytest.mark.parametrize("crash_at", ["before_report", "after_report"])
async def test_the_operators_mail_whose_sender_was_killed_leaves_once(
    office: Office, crash_at: str
) -> None:
    async with ScriptedRelay() as relay, RelayLog(relay) as log:
        asked, post = ReportAsked(day=TODAY), a_post(relay.port, log.url)
        killed = await attempt(asked, office.url, crash_at=crash_at, post=post)
        assert killed == -9
        for _ in range(2):
            assert await attempt(asked, office.url, crash_at="", post=post) == 0
        assert len(relay.taken) == 1
    (row,) = await office.rows(DailyReport)
    assert row.state == "accepted"


@pytest.mark.parametrize("crash_at", ["before_import", "after_import"])
async def test_a_file_whose_worker_was_killed_is_brought_in_once(
    office: Office, crash_at: str
) -> None:
    await office.add(
        Agency(permit=PERMIT, name="Boréal", email="agence@courriel.example")
    )
    lines = [a_line(n) for n in range(1, 4)]
    import_id = await say_yes(office, *lines)
    asked = ImportAsked(import_id=import_id)
    assert await attempt(asked, office.url, crash_at=crash_at) == -9
    async with a_server() as temporal:
        importing = Importing(office.sessions, temporal)
        for _ in range(2):
            assert await run(importing.bring_in, import_id) == len(lines)
        for line in lines:
            await story_of(temporal, line[0]).describe()
    row = await office.one(ImportRow, import_id)
    assert (row.made, row.there, row.refused) == (3, 0, 0)


def test_the_process_is_really_killed_at_each_point_of_the_list() -> None:
    code = "\n".join(file.read_text("utf-8") for file in TESTS.rglob("test_*.py"))
    spelled = set(re.findall(r'"((?:before|after)_\w+)"', code))
    spelled |= {f"{w}_{a}" for w in ("before", "after")
                for a in ("move", "certificate", "aside")}  # fmt: skip
    assert set(CRASHPOINTS) <= spelled
