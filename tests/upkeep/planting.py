"""Forty-two disagreements, three a check, each planted about an id of its own."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text, update
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from engine import begin, story_of
from intake.delivery import deliver
from payments.provider import SessionOrder
from payments.simulator import Manner, Simulator
from payments.simulator_files import payment_of
from records.clock import set_ahead
from records.models import (
    Agency,
    Base,
    DossierRow,
    FactRow,
    InvoiceRow,
    LinkRow,
    PaymentSession,
)
from records.money import PaymentRow
from records.sweeps import Sweep
from records.timeline import Line, append
from rules.dossier import Dossier, Operation
from rules.numbers import DossierNumber, PermitNumber
from tests.activities.office import Office
from tests.dossiers import (
    a_finalizing,
    a_holder,
    a_link,
    a_newcomer,
    noon,
    permit_lost,
    with_issue_paid,
    with_renewal_paid,
)
from tests.kept import a_letter, a_mail, a_task
from tests.letters.relay import Taken
from tests.upkeep.sweeping import real_now, until
from workflows.messages import PermitChanged, Source, Start
from workflows.renewal import RenewalWorkflow

NOBODY, BROKEN = "nobody", "broken"
MINUTES, HOURS, DAYS = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TIMER = EventType.EVENT_TYPE_TIMER_STARTED
NO_GUARD = text("SET LOCAL session_replication_role = replica")


@workflow.defn(name="RenewalWorkflow", sandboxed=False)
class Broken:
    """A story whose code fails, forgets what it did, or cannot read its argument."""

    @workflow.run
    async def run(self, start: dict[str, str]) -> None:
        if start["how"] == "raises":
            raise RuntimeError("planted")
        if not workflow.unsafe.is_replaying():
            await workflow.sleep(3600)

    @workflow.signal
    async def wake(self) -> None:
        """Have its code run again."""


@dataclass
class Garden:
    """One database, one Temporal, a relay and a provider; *planted* is what to find."""

    office: Office
    client: Client
    provider: Simulator
    took: list[Taken]
    planted: set[tuple[str, str]] = field(default_factory=set)
    told: list[DossierNumber] = field(default_factory=list)
    failed: set[DossierNumber] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 999)))

    def expect(self, check: str, *about: str) -> None:
        self.planted |= {(check, each) for each in about}

    def number(self) -> DossierNumber:
        return DossierNumber(f"CAR2026{next(self._numbers):08}")

    async def placed(self, dossier: Dossier | None = None, **row: Any) -> DossierNumber:
        """Place a dossier of a person of its own, a newcomer's unless it is given."""
        told = dossier or a_newcomer(number=self.number())
        await self.office.place(told, person=f"P{told.number} Roy")
        if row:
            await self.set(told.number, **row)
        return told.number

    async def set(self, number: str, **values: Any) -> None:
        async with self.office.sessions.begin() as session:
            where = DossierRow.number == number
            await session.execute(update(DossierRow).where(where).values(**values))

    async def living(self, how_many: int = 3) -> list[DossierNumber]:
        """Newcomers whose stories run and answer."""
        numbers = [await self.placed() for _ in range(how_many)]
        await asyncio.gather(*(begin(self.client, number) for number in numbers))
        await asyncio.gather(*(self.answers(number) for number in numbers))
        return numbers

    async def answers(self, number: str) -> None:
        # The first answer waits until the story has taken up what is kept.
        async def has() -> bool:
            try:
                await story_of(self.client, number).query(RenewalWorkflow.state)
            except Exception:  # noqa: BLE001 - it is just beginning
                return False
            return True

        await until(has)

    async def left_alone(self, number: str, queue: str = NOBODY, **how: Any) -> None:
        """Start a story that no worker of ours lives."""
        given = how.pop("given", Start(number=DossierNumber(number)))
        await self.client.start_workflow(
            "RenewalWorkflow", given, id=number, task_queue=queue, **how
        )

    async def a_fact(self, number: str, **row: Any) -> str:
        """Keep a fact that changes little, as if it had come ten minutes ago."""
        at = real_now()
        fact = PermitChanged(
            fact_id=f"fact-{number}",
            source=Source.PERMIT_REGISTER,
            occurred_at=at,
            received_at=at,
            permit=PermitNumber("AR-9999"),
            valid=False,
            effective_on=at.date(),
        )
        said = {"stored_at": at - 10 * MINUTES, "changed_at": at - 10 * MINUTES}
        kept = FactRow(
            fact_id=fact.fact_id,
            dossier=number,
            kind=fact.kind,
            source=fact.source,
            body=fact.model_dump(mode="json"),
            occurred_at=at,
            received_at=at,
            **(said | row),
        )
        await self.office.add(kept)
        return fact.fact_id

    # --------------------------------------------------------- what is told, what runs

    async def facts(self) -> None:
        new, told, deaf = await self.living()
        long_ago = {"stored_at": real_now() - 3 * HOURS}
        self.expect("R1", await self.a_fact(new))
        self.expect("R1", await self.a_fact(told, state="signalled"))
        self.expect("R1", await self.a_fact(deaf, state="signalled", **long_ago))

    async def stories_lost(self) -> None:
        never, ended, timed_out = [await self.placed() for _ in range(3)]
        await begin(self.client, ended)
        await self.client.get_workflow_handle(ended).terminate("planted")
        await self.left_alone(timed_out, execution_timeout=timedelta(seconds=1))

        async def is_over() -> bool:
            told = await self.client.get_workflow_handle(timed_out).describe()
            return told.status is WorkflowExecutionStatus.TIMED_OUT

        await until(is_over)
        self.expect("R2", never, ended, timed_out)

    async def strays(self) -> None:
        unknown, closed = self.number(), await self.placed(phase="closed")
        await self.left_alone(unknown)
        await self.left_alone(closed)
        first, second = await self.living(2)
        same = (await self.office.one(DossierRow, first)).person_id
        await self.set(second, person_id=same)
        self.expect("R3", unknown, closed, second)

    async def versions(self) -> None:
        numbers = await self.living()
        facts = [await self.a_fact(number) for number in numbers]
        await deliver(self.office.sessions, self.client, facts)

        async def all_heard() -> bool:
            rows = [await self.office.one(FactRow, fact) for fact in facts]
            return all(row.state == "applied" for row in rows)

        await until(all_heard)
        await self.set(numbers[0], version=0)
        await self.set(numbers[1], version=7)
        await self.set(numbers[2], phase="in_force")
        self.expect("R4", *numbers)

    async def duties(self) -> None:
        late, very_late, ahead = await self.living()
        now = real_now()
        await self.set(late, next_due_at=now - 40 * MINUTES)
        await self.set(very_late, next_due_at=now - 2 * DAYS)
        await self.set(ahead, next_due_at=now + 89 * DAYS)
        async with self.office.sessions.begin() as session:
            await set_ahead(session, ahead, 90 * DAYS)
        self.expect("R5", late, very_late, ahead)

    # --------------------------------------------------------------------- the mail

    async def letters(self) -> None:
        (number,) = await self.living(1)
        for minutes in (16, 45, 110):
            at = real_now() - minutes * MINUTES
            letter = a_letter(
                "receipt",
                "sending",
                about=str(minutes),
                dossier=number,
                occurred_at=real_now(),
                changed_at=at,
            )
            self.expect("R6", letter.key)
            await self.office.add(letter)

    async def relay_log(self) -> None:
        (number,) = await self.living(1)
        for about, state, took in (
            ("lost", "accepted", False),
            ("confirmed", "delivered", False),
            ("left", "cancelled", True),
        ):
            own = f"<{about}@echeance.example>"
            letter = a_letter(
                about=about,
                state=state,
                dossier=number,
                message_id=own,
                occurred_at=real_now(),
                changed_at=real_now() - HOURS,
            )
            await self.office.add(letter)
            self.expect("R7", letter.key)
            if took:
                data = f"Message-ID: {own}\r\n".encode()
                self.took.append(Taken("s@a.example", ("r@a.example",), data, 1))

    async def messages(self) -> None:
        long_ago = real_now() - 12 * DAYS
        for mail_id, outcome in (
            ("unmatched", "task"),
            ("to-read", "fact"),
            ("aside", "set_aside"),
        ):
            await self.office.add(a_mail(mail_id, outcome, received_at=long_ago))
            if outcome != "set_aside":
                task = a_task(mail_id, "mail_to_read", dossier=None)
                await self.office.add(task)
            self.expect("R10", mail_id)

    # --------------------------------------------------------------------- the money

    async def books(self) -> None:
        (number,) = await self.living(1)
        for about in ("unknown", "other-amount"):
            await self._captured_there(number, f"session-{about}")
        await self.office.add(
            InvoiceRow(
                invoice_id="inv-here",
                dossier=number,
                operation=Operation.ISSUE,
                asked_on=date(2026, 11, 1),
                state="void",
            )
        )
        await self.office.add(
            PaymentSession(
                session_id="session-here",
                provider_session="session-nowhere",
                invoice_id="inv-here",
                amount_cents=18000,
                state="paid",
            )
        )
        other = payment_of("session-other-amount")
        await self.office.add(self._payment(other, None, amount_cents=1))
        self.expect("R8", payment_of("session-unknown"), other, "session-here")

    async def _captured_there(self, number: DossierNumber, session_id: str) -> None:
        order = SessionOrder(
            session_id=session_id,
            dossier=number,
            invoice_id="inv-of-nobody",
            invoice_number="F-2026-000001",
            amount_cents=18000,
            expires_at=real_now() + HOURS,
            return_url="https://echeance.example/",
        )
        await self.provider.create_session(order)
        await self.provider.approve(session_id, Manner.NEVER)

    def _payment(self, payment_id: str, number: str | None, **says: Any) -> Base:
        said = {"amount_cents": 18000, "told_at": real_now() - HOURS, "applied": True}
        return PaymentRow(
            payment_id=payment_id,
            invoice_id="inv",
            dossier=number,
            currency="CAD",
            captured_at=real_now() - HOURS,
            **(said | says),
        )

    async def unfinished(self) -> None:
        now = real_now()
        renewing = [
            a_holder(now.date() + days * DAYS, number=self.number())
            for days in (30, 60)
        ]
        paid = [with_renewal_paid(each, now - HOURS) for each in renewing]
        issuing = replace(
            a_finalizing(
                now.date() - 20 * DAYS, links=(a_link(now.date() - 5 * DAYS),)
            ),
            number=self.number(),
        )
        paid.append(with_issue_paid(issuing, now - HOURS))
        for dossier in paid:
            invoice = dossier.invoices[-1]
            number = await self.placed(dossier)
            await self.left_alone(number)
            payment = f"pay-{number}"
            await self.office.add(
                InvoiceRow(
                    invoice_id=f"{invoice.invoice_id}-{number}",
                    dossier=number,
                    operation=invoice.operation,
                    asked_on=invoice.asked_on,
                    renews=invoice.renews,
                    state="paid",
                    payment_id=payment,
                ),
                self._payment(payment, number),
            )
            self.expect("R9", number)

    # ------------------------------------------------------------ what is kept for ever

    async def permits(self) -> None:
        lost, gone = await self.living(2)
        told = replace(
            a_newcomer(number=self.number()),
            permit_changes=(
                permit_lost(date(2026, 10, 1), permit=PermitNumber("AR-2")),
            ),
        )
        back = await self.placed(told)
        await begin(self.client, back)
        await self.answers(back)
        for permit, number in (("AR-1", lost), ("AR-2", back), ("AR-3", gone)):
            await self.office.add(
                LinkRow(link_id=f"l-{permit}", dossier=number, permit=permit)
            )
        said = {"name": "Boréal", "email": "b@a.example"}
        await self.office.add(
            Agency(permit="AR-1", permit_valid=False, **said),
            Agency(permit="AR-2", permit_changed_on=date(2026, 11, 2), **said),
        )
        self.expect("R11", lost, back, gone)

    async def histories(self) -> None:
        """Write three histories; `spoil` comes after their heads were exported."""
        self.told = await self.living()
        for number in self.told:
            async with self.office.sessions.begin() as session:
                for day in (1, 2, 3):
                    line = Line(f"day {day}", noon(date(2026, 11, day)), "rule", {})
                    await append(session, number, [line])

    async def spoil_histories(self) -> None:
        changed, thinned, cut = self.told
        for statement in (
            f"UPDATE timeline SET by = '' WHERE dossier = '{changed}' AND position < 2",
            f"DELETE FROM timeline WHERE dossier = '{thinned}' AND position = 2",
            f"DELETE FROM timeline WHERE dossier = '{cut}' AND position = 3",
        ):
            async with self.office.sessions.begin() as session:
                await session.execute(NO_GUARD)
                await session.execute(text(statement))
        self.expect("R12", *self.told)

    async def clocks(self) -> None:
        (number,) = await self.living(1)
        in_an_hour = real_now() + HOURS
        fact = await self.a_fact(number, stored_at=in_an_hour, changed_at=in_an_hour)
        await self.office.add(Sweep(started_at=in_an_hour))
        async with self.office.sessions.begin() as session:
            await session.execute(
                text(
                    "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz"
                    " LANGUAGE sql AS"
                    " $$ SELECT pg_catalog.clock_timestamp() + interval '31 s' $$"
                )
            )
            name = await session.scalar(text("SELECT current_database()"))
            await session.execute(
                text(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
            )
        self.expect("R13", "database", "sweeps", fact)

    async def failing(self) -> None:
        numbers = [await self.placed() for _ in range(3)]
        given: list[Any] = [{"how": "raises"}, {"how": "forgets"}, "not a start"]
        for number, how in zip(numbers, given, strict=True):
            await self.left_alone(number, BROKEN, given=how)
        forgets = self.client.get_workflow_handle(numbers[1])

        async def sleeps() -> bool:
            history = await forgets.fetch_history()
            return any(event.event_type == TIMER for event in history.events)

        # A wake that its first task takes along would have nothing to replay.
        await until(sleeps)
        await forgets.signal(Broken.wake)
        self.failed = set(numbers)
        self.expect("R14", *numbers)

    async def is_known_to_fail(self) -> bool:
        query = "TemporalReportedProblems IS NOT NULL"
        listed = {found.id async for found in self.client.list_workflows(query)}
        return self.failed <= listed


def broken_worker(client: Client) -> Worker:
    """Live the broken stories, each workflow task from the beginning."""
    return Worker(
        client,
        task_queue=BROKEN,
        workflows=[Broken],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=0,
    )
