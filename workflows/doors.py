"""How a story is reached: signals that record, updates that ask, queries that show."""

from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from rules.agenda import agenda, civil_day_of, falling_due
    from rules.numbers import DossierNumber
    from rules.standing import explain, phase_at, way_back_until
    from workflows.commands import refusal_of
    from workflows.messages import (
        AddressChanged,
        AgencyLinked,
        AgencyUnlinked,
        AnyCommand,
        AnyFact,
        Cancel,
        Command,
        Correct,
        Decide,
        DutyView,
        EmailReceived,
        ExamPassed,
        Explanation,
        Fact,
        InvoicePaid,
        LetterBounced,
        NameCorrected,
        Observe,
        PaymentRefunded,
        PaymentReversed,
        PermitChanged,
        ProofAsked,
        RefundRefused,
        Refusal,
        Reissue,
        RemindAgency,
        RequestLink,
        RequestTransfer,
        Resend,
        ResultAnswered,
        ResultAsked,
        ResultReturned,
        ResultTaken,
        Start,
        StateView,
        Story,
    )
    from workflows.postbox import Postbox
    from workflows.turn import Turn


class Doors:
    """What a dossier hears and answers; RenewalWorkflow decides what comes of it."""

    def __init__(self, start: Start) -> None:
        self._number: DossierNumber = start.number
        self._told: Story | None = start.story
        self._waiting: list[AnyFact | AnyCommand] = list(start.waiting)
        self._answers: dict[str, Refusal | None] = {}
        self._postbox = Postbox(start.story.letters if start.story else ())
        self._policy_changed = False
        self._woken = False

    @property
    def _story(self) -> Story:
        assert self._told is not None
        return self._told

    def _turn(self) -> Turn:
        story = self._story
        return Turn(story.dossier, story.policy, workflow.now(), story.phase)

    # ---------------------------------------------------------- facts: only recorded

    def _hear(self, fact: AnyFact) -> None:
        already = self._told is not None and fact.fact_id in self._told.seen
        waits = any(
            isinstance(told, Fact) and told.fact_id == fact.fact_id
            for told in self._waiting
        )
        if not already and not waits:
            self._waiting.append(fact)

    @workflow.signal
    async def email_received(self, fact: EmailReceived) -> None:
        """Record that a person wrote."""
        self._hear(fact)

    @workflow.signal
    async def invoice_paid(self, fact: InvoicePaid) -> None:
        """Record that money was captured."""
        self._hear(fact)

    @workflow.signal
    async def payment_reversed(self, fact: PaymentReversed) -> None:
        """Record that money was taken back."""
        self._hear(fact)

    @workflow.signal
    async def payment_refunded(self, fact: PaymentRefunded) -> None:
        """Record that money was given back."""
        self._hear(fact)

    @workflow.signal
    async def refund_refused(self, fact: RefundRefused) -> None:
        """Record that money could not be given back."""
        self._hear(fact)

    @workflow.signal
    async def agency_linked(self, fact: AgencyLinked) -> None:
        """Record that an agency confirms a link."""
        self._hear(fact)

    @workflow.signal
    async def agency_unlinked(self, fact: AgencyUnlinked) -> None:
        """Record that a link ends, or is refused."""
        self._hear(fact)

    @workflow.signal
    async def exam_passed(self, fact: ExamPassed) -> None:
        """Record a passed exam."""
        self._hear(fact)

    @workflow.signal
    async def permit_changed(self, fact: PermitChanged) -> None:
        """Record that an agency's permit begins or ceases to be valid."""
        self._hear(fact)

    @workflow.signal
    async def letter_bounced(self, fact: LetterBounced) -> None:
        """Record that a letter came back."""
        self._hear(fact)

    @workflow.signal
    async def proof_asked(self, fact: ProofAsked) -> None:
        """Record that a mailbox is to prove whose it is."""
        self._hear(fact)

    @workflow.signal
    async def address_changed(self, fact: AddressChanged) -> None:
        """Record that the person is reached elsewhere from now on."""
        self._hear(fact)

    @workflow.signal
    async def name_corrected(self, fact: NameCorrected) -> None:
        """Record that an officer corrected the person's name."""
        self._hear(fact)

    @workflow.signal
    async def result_asked(self, fact: ResultAsked) -> None:
        """Record that another dossier asks for this one's exam result."""
        self._hear(fact)

    @workflow.signal
    async def result_answered(self, fact: ResultAnswered) -> None:
        """Record what the expired dossier answers."""
        self._hear(fact)

    @workflow.signal
    async def result_taken(self, fact: ResultTaken) -> None:
        """Record that the result has its new home."""
        self._hear(fact)

    @workflow.signal
    async def result_returned(self, fact: ResultReturned) -> None:
        """Record that the result is not taken after all."""
        self._hear(fact)

    @workflow.signal
    async def policy_changed(self) -> None:
        """Read the rules again."""
        self._policy_changed = True

    @workflow.signal
    async def wake(self) -> None:
        """Pass once through the loop: a new build may take over."""
        self._woken = True

    # -------------------------------------------- commands: refused or carried out

    async def _carry_out(self, command: AnyCommand) -> StateView:
        """Hand a command to the story, and wait until what it changed is kept."""
        if self._told is None or command.command_id not in self._told.seen:
            self._waiting.append(command)
            await workflow.wait_condition(lambda: command.command_id in self._answers)
        refusal = self._answers.get(command.command_id)
        if refusal is not None:
            _refuse(refusal)
        return self.state()

    def _check(self, command: AnyCommand) -> None:
        """Refuse before anything enters the history; run again when carried out."""
        if self._told is None or command.command_id in self._told.seen:
            return
        turn = self._turn()
        refusal = refusal_of(turn, command)
        if refusal is not None:
            _refuse(refusal)

    def _has_commands(self) -> bool:
        return any(isinstance(told, Command) for told in self._waiting)

    @workflow.update
    async def request_transfer(self, command: RequestTransfer) -> StateView:
        """Ask for the exam result of an expired certificate."""
        return await self._carry_out(command)

    @workflow.update
    async def request_link(self, command: RequestLink) -> StateView:
        """Declare an agency, which must confirm."""
        return await self._carry_out(command)

    @workflow.update
    async def remind_agency(self, command: RemindAgency) -> StateView:
        """Have a silent agency written to again."""
        return await self._carry_out(command)

    @workflow.update
    async def decide(self, command: Decide) -> StateView:
        """Settle a task, as an officer."""
        return await self._carry_out(command)

    @workflow.update
    async def correct(self, command: Correct) -> StateView:
        """Replace a wrong date, as an officer, with a reason."""
        return await self._carry_out(command)

    @workflow.update
    async def observe(self, command: Observe) -> StateView:
        """Comment on an intended refusal."""
        return await self._carry_out(command)

    @workflow.update
    async def resend(self, command: Resend) -> StateView:
        """Send a letter once more, as an officer, with a reason."""
        return await self._carry_out(command)

    @workflow.update
    async def reissue(self, command: Reissue) -> StateView:
        """Have the certificate printed again, as an officer, with a reason."""
        return await self._carry_out(command)

    @workflow.update
    async def cancel(self, command: Cancel) -> StateView:
        """Close the dossier on the person's wish."""
        return await self._carry_out(command)

    @request_transfer.validator
    def _may_request_transfer(self, command: RequestTransfer) -> None:
        self._check(command)

    @request_link.validator
    def _may_request_link(self, command: RequestLink) -> None:
        self._check(command)

    @remind_agency.validator
    def _may_remind_agency(self, command: RemindAgency) -> None:
        self._check(command)

    @decide.validator
    def _may_decide(self, command: Decide) -> None:
        self._check(command)

    @correct.validator
    def _may_correct(self, command: Correct) -> None:
        self._check(command)

    @observe.validator
    def _may_observe(self, command: Observe) -> None:
        self._check(command)

    @resend.validator
    def _may_resend(self, command: Resend) -> None:
        self._check(command)

    @reissue.validator
    def _may_reissue(self, command: Reissue) -> None:
        self._check(command)

    @cancel.validator
    def _may_cancel(self, command: Cancel) -> None:
        self._check(command)

    # --------------------------------------------------------------------- queries

    @workflow.query
    def state(self) -> StateView:
        """Show where the dossier stands."""
        story = self._story
        duties = agenda(story.dossier, story.policy)
        falling = falling_due(duties, frozenset(story.settled), workflow.now())
        return StateView(
            number=self._number,
            phase=story.phase,
            as_of=workflow.now(),
            version=story.version,
            policy_version=story.policy.version,
            dossier=story.dossier,
            next_due_at=falling.next_at,
            letters_on_their_way=tuple(order.key for order in self._postbox.unsent),
            facts_waiting=len(self._waiting),
        )

    @workflow.query(name="agenda")
    def show_agenda(self) -> list[DutyView]:
        """Show what happens next, and what has been done, with dates and sources."""
        story = self._story
        return [
            DutyView(
                key=duty.key,
                act=duty.act,
                notice=duty.notice,
                due_at=duty.due_at,
                due_on=civil_day_of(duty),
                settled=duty.key in story.settled,
                source=f"{duty.source.text}, {duty.source.section}",
            )
            for duty in agenda(story.dossier, story.policy)
        ]

    @workflow.query(name="explain")
    def show_conditions(self) -> Explanation:
        """Show each condition of the present answer."""
        story = self._story
        now = workflow.now()
        return Explanation(
            phase=phase_at(story.dossier, story.policy, now),
            findings=explain(story.dossier, story.policy, now),
            last_day=way_back_until(story.dossier, story.policy, now),
        )


def _refuse(refusal: Refusal) -> NoReturn:
    """Fail an update, never the workflow task, with a stable code."""
    raise ApplicationError(refusal, type=refusal, non_retryable=True)
