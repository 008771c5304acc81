"""The life of one dossier, from its opening to its end, as one durable workflow."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError
from temporalio.workflow import ContinueAsNewVersioningBehavior

with workflow.unsafe.imports_passed_through():
    from rules.agenda import agenda, falling_due
    from rules.civil_time import civil_date
    from rules.dossier import Stage
    from rules.standing import certificate_due
    from workflows import effects
    from workflows.commands import carry_out, refusal_of
    from workflows.consequences import (
        accept_transfer,
        follow,
        issue,
        judge,
        perform,
        renew_if_paid,
        supersede,
        with_staff,
    )
    from workflows.doors import Doors
    from workflows.hearing import hear
    from workflows.messages import (
        CertificateAnswer,
        CertificateClaim,
        CertificateQuestion,
        Command,
        FactsSetAside,
        PolicyQuestion,
        Posted,
        Refusal,
        ResultAsked,
        ResultMove,
        Source,
        Start,
        Story,
    )
    from workflows.postbox import Postbox
    from workflows.shown import show
    from workflows.turn import Turn

SEEN_KEPT = 500
"""Fact ids carried over; older ones are told apart by the database's own record."""

FOR_EVER = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=1),
)
"""The database comes back; until then a story waits, and forgets nothing."""

Given = TypeVar("Given")
Got = TypeVar("Got")


@workflow.defn
class RenewalWorkflow(Doors):
    """One dossier. Signals tell it facts, updates ask it things, queries show it."""

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self._chapter_ended = False

    @workflow.run
    async def run(self, start: Start) -> str:  # noqa: ARG002 # __init__ took it
        """Live until the dossier is closed; a new run begins at each phase and term."""
        if not await self._take_up():
            return "unknown number"
        while True:
            if self._policy_changed:
                await self._read_policy()
            turn = self._begin_turn()
            answers = self._take_in_what_was_told(turn)
            await self._examine_the_request(turn)
            await self._grant_what_is_earned(turn)
            self._follow_the_phase(turn)
            self._do_what_is_due(turn)
            self._follow_the_phase(turn)
            await self._keep(turn)
            self._answers.update(answers)
            if self._is_over():
                return "closed"
            if await self._may_roll_over():
                await self._roll_over()
            self._postbox.send()
            await self._wait()

    async def _take_up(self) -> bool:
        """Begin from what the last run left, or from what the database knows."""
        if self._told is None:
            self._told = await _ask(effects.load_story, self._number)
            if self._told is None:
                await self._set_aside()
                return False
            self._postbox = Postbox(self._told.letters)
        await self._read_policy()
        show(self._story)
        return True

    def _begin_turn(self) -> Turn:
        self._woken = False
        turn = self._turn()
        for order, how in self._postbox.take_news():
            turn.note(f"letter_{how}", "rule", letter=order.key)
            if how is not Posted.SKIPPED:
                turn.give_letter_to_a_person(f"letter_{how}", order.key)
        return turn

    def _take_in_what_was_told(self, turn: Turn) -> dict[str, Refusal | None]:
        """Hear every waiting fact once, in the order told, and answer commands.

        What was paid before a command came renews before it is carried out.
        """
        answers: dict[str, Refusal | None] = {}
        waiting, self._waiting = self._waiting, []
        seen = set(self._story.seen)
        for told in waiting:
            if isinstance(told, Command):
                renew_if_paid(turn)
                refusal = refusal_of(turn, told)
                answers[told.command_id] = refusal
                if refusal is None:
                    carry_out(turn, told)
            elif told.fact_id not in seen:
                seen.add(told.fact_id)
                hear(turn, told)
        return answers

    async def _examine_the_request(self, turn: Turn) -> None:
        """Take a wish to transfer one step on: whose is it, what is it, may it."""
        request = turn.dossier.request
        if request is None or request.certificate is None:
            return
        if request.stage is Stage.TO_EXAMINE:
            whose = await _ask(
                effects.whose_certificate,
                CertificateQuestion(
                    asked_by=self._number, certificate=request.certificate
                ),
            )
            self._ask_for_the_result(turn, whose)
        elif request.stage is Stage.ANSWERED:
            exam = judge(turn, request)
            if exam is None:
                return
            move = ResultMove(
                result_id=exam.result_id,
                from_dossier=request.certificate,
                to_dossier=self._number,
            )
            if await _do(effects.move_result, move):
                accept_transfer(turn, exam)
            else:
                with_staff(turn, "transfer_not_allowed")

    def _ask_for_the_result(self, turn: Turn, whose: CertificateAnswer) -> None:
        request = turn.dossier.request
        assert request is not None
        assert request.certificate is not None
        known = request.identity_confirmed
        if whose is CertificateAnswer.UNKNOWN:
            with_staff(turn, "transfer_unknown_certificate")
        elif whose is CertificateAnswer.OTHER_PERSON and not known:
            with_staff(turn, "transfer_identity")
        else:
            turn.change(request=replace(request, stage=Stage.ASKED))
            turn.tell(
                request.certificate,
                ResultAsked(
                    fact_id=f"{request.request_id}:asked:{self._story.version}",
                    source=Source.DOSSIER,
                    occurred_at=turn.now,
                    received_at=turn.now,
                    by=self._number,
                    request_id=request.request_id,
                ),
            )

    async def _grant_what_is_earned(self, turn: Turn) -> None:
        """Issue or renew before anything falls due: no reminder after a payment.

        What was earned when the person cancelled stays earned, in the same turn; a
        dossier that was closed before earns nothing more, whatever day begins.
        """
        if self._story.dossier.ending is not None:
            return
        term = certificate_due(turn.dossier, turn.policy, turn.today)
        held_back = any(t.reason == "second_certificate" for t in turn.dossier.tasks)
        if term is not None and not held_back:
            claim = CertificateClaim(
                dossier=self._number,
                kind=turn.dossier.kind,
                start=term.start,
                echeance=term.echeance,
            )
            if await _do(effects.claim_certificate, claim):
                issue(turn, term)
            else:
                turn.give_to_a_person("second_certificate", str(term.start))
        renew_if_paid(turn)

    def _do_what_is_due(self, turn: Turn) -> None:
        settled = frozenset((*self._story.settled, *turn.settled))
        falling = falling_due(agenda(turn.dossier, turn.policy), settled, turn.now)
        supersede(turn, falling.superseded)
        for duty in falling.to_do:
            perform(turn, duty)

    def _follow_the_phase(self, turn: Turn) -> None:
        if turn.phase is not turn.told:
            follow(turn)
            self._chapter_ended = True
        new_term = turn.dossier.echeance != self._story.dossier.echeance
        self._chapter_ended |= new_term

    def _withdraw_what_became_false(self, turn: Turn, duties: set[str]) -> None:
        """No reminder leaves once its cause is gone, nor outside its window."""
        for order in self._postbox.withdraw(duties, turn.now):
            turn.withdrawn.append(order.key)
            turn.note("letter_withdrawn", "rule", letter=order.key)

    async def _keep(self, turn: Turn) -> None:
        """Keep what this turn changed, in one transaction, then tell who must know.

        A turn that only reminds has no record of its own: the letter's row is it.
        """
        duties = agenda(turn.dossier, turn.policy)
        keys = {duty.key for duty in duties}
        self._withdraw_what_became_false(turn, keys)
        settled = (*self._story.settled, *turn.settled, *turn.reminded)
        next_at = falling_due(duties, frozenset(settled), turn.now).next_at
        version = self._story.version
        if turn.is_worth_keeping:
            version += 1
            await _do(effects.keep_record, turn.record(version, next_at))
        self._told = Story(
            dossier=turn.dossier,
            policy=turn.policy,
            phase=turn.phase,
            version=version,
            seen=(*self._story.seen, *turn.applied)[-SEEN_KEPT:],
            settled=tuple(key for key in settled if key in keys),
        )
        self._postbox.drop(turn.letters)
        self._postbox.drop(turn.reminders(next_at))
        show(self._story)
        await self._tell_others([told.fact.fact_id for told in turn.told_others])

    async def _tell_others(self, fact_ids: list[str]) -> None:
        if not fact_ids:
            return
        try:
            await workflow.execute_local_activity(
                effects.deliver_told,
                fact_ids,
                start_to_close_timeout=timedelta(seconds=10),
                schedule_to_close_timeout=timedelta(seconds=30),
            )
        except ActivityError:
            # They are kept: reconciliation delivers what was left.
            workflow.logger.warning("facts kept but not delivered: %s", fact_ids)

    async def _wait(self) -> None:
        """Sleep until a fact, a command, a letter that came back, or the next duty."""
        duties = agenda(self._story.dossier, self._story.policy)
        settled = frozenset(self._story.settled)
        next_at = falling_due(duties, settled, workflow.now()).next_at
        useless_at = self._postbox.useless_next()
        first = min((at for at in (next_at, useless_at) if at), default=None)
        why = next((d.key for d in duties if d.due_at == first), "letter useless")
        try:
            await workflow.wait_condition(
                self._must_wake,
                timeout=None
                if first is None
                else max(first - workflow.now(), timedelta()),
                timeout_summary=why,
            )
        except TimeoutError:
            return

    def _must_wake(self) -> bool:
        return bool(
            self._waiting
            or self._postbox.has_news
            or self._policy_changed
            or self._woken
            or self._chapter_is_done()
            or self._is_over()
        )

    # -------------------------------------------------------- the end of a chapter

    def _is_over(self) -> bool:
        return (
            self._story.dossier.ending is not None
            and not self._postbox.unsent
            and self._postbox.is_idle
            and not self._postbox.has_news
            and not self._waiting
            and workflow.all_handlers_finished()
        )

    async def _may_roll_over(self) -> bool:
        """A new phase, a new term, a long history or a new build ends a chapter."""
        info = workflow.info()
        if self._story.dossier.ending is not None:
            return False  # it ends by itself once its letters have left
        pressing = (
            info.is_continue_as_new_suggested()
            or info.is_target_worker_deployment_version_changed()
        )
        ended = self._chapter_is_done()
        if not (pressing or ended):
            return False
        # A command needs its answer from the run that accepted it.
        await workflow.wait_condition(
            lambda: workflow.all_handlers_finished() or self._has_commands()
        )
        return not self._has_commands()

    def _chapter_is_done(self) -> bool:
        """Letters on their way are let arrive first.

        A dead relay is not waited for by a long history or a new build: they stop the
        letters and take them along. A closed dossier has no next chapter.
        """
        closed = self._story.dossier.ending is not None
        return self._chapter_ended and self._postbox.is_idle and not closed

    async def _roll_over(self) -> None:
        """Go on in a new run with one small state; nothing heard is lost."""
        self._postbox.stop()
        await workflow.wait_condition(
            lambda: self._postbox.is_idle and workflow.all_handlers_finished()
        )
        new_build = workflow.info().is_target_worker_deployment_version_changed()
        workflow.continue_as_new(
            Start(
                number=self._number,
                story=self._story.model_copy(update={"letters": self._postbox.unsent}),
                waiting=tuple(self._waiting),
            ),
            # A run stays on its build to its end; only the next one may move.
            initial_versioning_behavior=ContinueAsNewVersioningBehavior.AUTO_UPGRADE
            if new_build
            else None,
        )

    async def _read_policy(self) -> None:
        """Read the rules in force: they enter as data, never as a constant."""
        self._policy_changed = False
        question = PolicyQuestion(
            kind=self._story.dossier.kind, on=civil_date(workflow.now())
        )
        policy = await _ask(effects.read_policy, question)
        self._told = self._story.model_copy(update={"policy": policy})

    async def _set_aside(self) -> None:
        """Nobody bears this number: what was told goes to a person."""
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            commands = [t for t in waiting if isinstance(t, Command)]
            facts = [t.fact_id for t in waiting if not isinstance(t, Command)]
            self._answers |= {c.command_id: Refusal.UNKNOWN_DOSSIER for c in commands}
            aside = FactsSetAside(
                number=self._number, fact_ids=tuple(facts), at=workflow.now()
            )
            await _do(effects.set_facts_aside, aside)
            await workflow.wait_condition(workflow.all_handlers_finished)


async def _ask(
    effect: Callable[[Given], Coroutine[Any, Any, Got]], given: Given
) -> Got:
    """Read from the database: a local activity, one event in this workflow task."""
    return await workflow.execute_local_activity(
        effect,
        given,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=FOR_EVER,
    )


async def _do(effect: Callable[[Given], Coroutine[Any, Any, Got]], given: Given) -> Got:
    """Write to the database, with what is written pinned in the history first.

    Never a local activity: a workflow task that is refused (a signal came in while it
    completed) runs again with more facts, and would write another record under the
    version of the first.
    """
    return await workflow.execute_activity(
        effect,
        given,
        start_to_close_timeout=timedelta(seconds=10),
        retry_policy=FOR_EVER,
    )
