"""One turn of a story: what changed, and what must be kept, written and told for it."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from rules.agenda import Duty
from rules.civil_time import civil_date, delay
from rules.dossier import Dossier, Operation, Phase, Task
from rules.fees import amount_on
from rules.notices import ABOUT_A_RIGHT
from rules.numbers import DossierNumber
from rules.policy import Policy
from rules.standing import phase_at
from workflows.messages import (
    AnyFact,
    DecisionMade,
    Entry,
    LetterOrder,
    PaymentJudged,
    Record,
    RefundOrdered,
    TaskOpened,
    Told,
)


@dataclass(slots=True)
class Turn:
    """Collects the consequences of what was heard or fell due at one instant.

    Only a turn changes a dossier; `record` hands everything over in one piece. *told*
    is the phase of which the person knows.
    """

    dossier: Dossier
    policy: Policy
    now: datetime
    told: Phase
    applied: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    letters: list[LetterOrder] = field(default_factory=list)
    _reminders: list[LetterOrder] = field(default_factory=list)
    decisions: list[DecisionMade] = field(default_factory=list)
    tasks_opened: list[TaskOpened] = field(default_factory=list)
    tasks_closed: list[str] = field(default_factory=list)
    tasks_escalated: list[str] = field(default_factory=list)
    told_others: list[Told] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    payments: list[PaymentJudged] = field(default_factory=list)
    refunds: list[RefundOrdered] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The civil day in Québec."""
        return civil_date(self.now)

    @property
    def phase(self) -> Phase:
        """Where the dossier stands after what was collected so far."""
        return phase_at(self.dossier, self.policy, self.now)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether more happened than a reminder."""
        return bool(
            self.applied
            or self.settled
            or self.entries
            or self.letters
            or self.decisions
            or self.tasks_opened
            or self.tasks_closed
            or self.tasks_escalated
            or self.told_others
        )

    def change(self, **changes: Any) -> None:
        """Replace fields of the dossier."""
        self.dossier = replace(self.dossier, **changes)

    def note(
        self, what: str, by: str, /, *, text_id: str | None = None, **detail: object
    ) -> None:
        """Add a line to the timeline."""
        told = {key: str(value) for key, value in detail.items() if value is not None}
        self.entries.append(
            Entry(what=what, at=self.now, by=by, detail=told, text_id=text_id)
        )

    def write(self, notice: str, about: object, **says: Any) -> None:
        """Order a letter; *about* makes its key: one letter an event and notice."""
        number = self.dossier.number
        self.letters.append(
            LetterOrder(
                key=f"{number}/{about}/{notice}",
                dossier=number,
                notice=notice,
                occurred_at=self.now,
                **says,
            )
        )

    def remind(self, duty: Duty, **says: Any) -> None:
        """Order the letter of a duty: its row, under the duty's key, is its record."""
        assert duty.notice is not None
        self._reminders.append(
            LetterOrder(
                key=duty.key,
                dossier=self.dossier.number,
                notice=duty.notice,
                occurred_at=self.now,
                cause=duty.key,
                useless_at=duty.useless_at,
                **says,
            )
        )

    @property
    def reminded(self) -> tuple[str, ...]:
        """The keys of the duties settled by a letter."""
        return tuple(order.key for order in self._reminders)

    def reminders(self, next_due_at: datetime | None) -> tuple[LetterOrder, ...]:
        """Hand over the reminders, with what the lists must show once they left."""
        return tuple(
            order.model_copy(update={"next_due_at": next_due_at})
            for order in self._reminders
        )

    def give_to_a_person(
        self, reason: str, about: str, *, within_days: int | None = None
    ) -> None:
        """Open a task, once for each reason and matter; a few days to settle it."""
        task_id = f"{self.dossier.number}:{reason}:{about}"
        if any(task.task_id == task_id for task in self.dossier.tasks):
            return
        due_on = delay(
            self.today,
            self.policy.task_days if within_days is None else within_days,
            delays_extended=self.policy.delays_extended,
        )
        self.dossier = self.dossier.with_task(Task(task_id, reason, due_on))
        self.tasks_opened.append(
            TaskOpened(task_id=task_id, reason=reason, due_on=due_on, about=about)
        )
        self.note("task_opened", "rule", reason=reason, about=about, due_on=due_on)

    def give_letter_to_a_person(self, reason: str, key: str) -> None:
        """Open the task of a letter that did not arrive; sooner if about a right."""
        about_a_right = key.rpartition("/")[2] in ABOUT_A_RIGHT
        within = self.policy.returned_letter_days if about_a_right else None
        self.give_to_a_person(reason, key, within_days=within)

    def close_task(self, task_id: str) -> None:
        """Take a task off the queue."""
        self.dossier = self.dossier.without_task(task_id)
        self.tasks_closed.append(task_id)

    def tell(self, to: DossierNumber, fact: AnyFact) -> None:
        """Tell another dossier a fact; kept with this turn, then signalled."""
        self.told_others.append(Told(to=to, fact=fact))

    def fee(self, operation: Operation) -> dict[str, Any]:
        """Give a letter the amount of today."""
        fee = amount_on(self.today, operation, self.policy)
        return {"amount_cents": fee.cents, "amount_confirmed": fee.confirmed}

    def record(self, version: int, next_due_at: datetime | None) -> Record:
        """Hand over all that this turn changed."""
        return Record(
            dossier=self.dossier,
            phase=self.phase,
            version=version,
            at=self.now,
            policy_version=self.policy.version,
            next_due_at=next_due_at,
            settled=tuple(self.settled),
            applied=tuple(self.applied),
            entries=tuple(self.entries),
            letters=tuple(self.letters),
            decisions=tuple(self.decisions),
            tasks_opened=tuple(self.tasks_opened),
            tasks_closed=tuple(self.tasks_closed),
            tasks_escalated=tuple(self.tasks_escalated),
            told=tuple(self.told_others),
            withdrawn=tuple(self.withdrawn),
            payments=tuple(self.payments),
            refunds=tuple(self.refunds),
        )
