"""A world in memory: the effects of the stories, which keep what they were given."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError

from rules.dossier import Dossier, Phase
from rules.numbers import DossierNumber
from rules.policy import Policy
from rules.standing import phase_at
from workflows.effects import RENEWALS
from workflows.messages import (
    AnyFact,
    CertificateAnswer,
    CertificateClaim,
    CertificateQuestion,
    FactsSetAside,
    LetterOrder,
    PolicyQuestion,
    Posted,
    Record,
    ResultMove,
    Start,
    StateView,
    Story,
)
from workflows.renewal import RenewalWorkflow


@dataclass
class World:
    """Records, post and register, as lists a test can read."""

    policy: Policy
    now: Callable[[], datetime]
    dossiers: dict[str, Dossier] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    records: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    sent: list[LetterOrder] = field(default_factory=list)
    homes: dict[str, str] = field(default_factory=dict)
    live_certificates: set[str] = field(default_factory=set)
    told: dict[str, tuple[str, AnyFact]] = field(default_factory=dict)
    aside: list[FactsSetAside] = field(default_factory=list)
    replies: dict[str, list[Posted | str]] = field(default_factory=dict)
    client: Client | None = None
    may_keep: asyncio.Event | None = None  # what is told until then is one turn's
    keeps: asyncio.Event = field(default_factory=asyncio.Event)

    def place(self, dossier: Dossier, person: str = "marc") -> None:
        """Put a dossier where the database would have it."""
        self.dossiers[dossier.number] = dossier
        self.people[dossier.number] = person
        if dossier.exam is not None:
            self.homes[dossier.exam.result_id] = dossier.number

    def notices(self, number: str | None = None) -> list[str]:
        """The notices sent, in order."""
        return [o.notice for o in self.sent if number in {None, o.dossier}]

    def tasks(self, number: str) -> list[str]:
        """The reasons of all tasks ever opened for a dossier."""
        return [t.reason for r in self.records[number] for t in r.tasks_opened]

    def refunds(self, number: str) -> list[tuple[str, int, str]]:
        """The refunds ordered for a dossier: of which payment, how much, why."""
        return [
            (o.payment_id, o.amount_cents, o.why)
            for r in self.records[number]
            for o in r.refunds
        ]

    def entries(self, number: str) -> list[str]:
        """The timeline."""
        return [e.what for r in self.records[number] for e in r.entries]

    def effects(self) -> Sequence[Callable[..., Any]]:
        """The activities to register; MAIL and RENEWALS share one worker in tests."""
        return [
            self.load_story,
            self.read_policy,
            self.keep_record,
            self.deliver_told,
            self.whose_certificate,
            self.move_result,
            self.claim_certificate,
            self.set_facts_aside,
            self.send_letter,
        ]

    @activity.defn
    async def load_story(self, number: str) -> Story | None:
        dossier = self.dossiers.get(number)
        if dossier is None:
            return None
        kept = self.records[number]
        if kept:
            last = kept[-1]
            return Story(
                dossier=last.dossier,
                policy=self.policy,
                phase=last.phase,
                version=last.version,
                seen=tuple(f for r in kept for f in r.applied),
                settled=(
                    *(s for r in kept for s in r.settled),
                    *(o.key for o in self.sent if o.dossier == number),
                ),
            )
        phase = phase_at(dossier, self.policy, self.now())
        return Story(dossier=dossier, policy=self.policy, phase=phase)

    @activity.defn
    async def read_policy(self, question: PolicyQuestion) -> Policy:
        return self.policy

    @activity.defn
    async def keep_record(self, record: Record) -> None:
        self.keeps.set()
        if self.may_keep is not None:
            await self.may_keep.wait()
        kept = self.records[record.dossier.number]
        if kept and kept[-1].version >= record.version:
            return
        kept.append(record)
        for told in record.told:
            self.told[told.fact.fact_id] = (told.to, told.fact)

    @activity.defn
    async def deliver_told(self, fact_ids: list[str]) -> None:
        for fact_id in fact_ids:
            to, fact = self.told[fact_id]
            await self.tell(DossierNumber(to), fact)

    @activity.defn
    async def whose_certificate(
        self, question: CertificateQuestion
    ) -> CertificateAnswer:
        other = self.dossiers.get(question.certificate)
        if other is None or not other.terms:
            return CertificateAnswer.UNKNOWN
        if self.people[question.certificate] == self.people[question.asked_by]:
            return CertificateAnswer.SAME_PERSON
        return CertificateAnswer.OTHER_PERSON

    @activity.defn
    async def move_result(self, move: ResultMove) -> bool:
        if self.homes.get(move.result_id) == move.from_dossier:
            self.homes[move.result_id] = move.to_dossier
        return self.homes.get(move.result_id) == move.to_dossier

    @activity.defn
    async def claim_certificate(self, claim: CertificateClaim) -> bool:
        person = self.people[claim.dossier]
        others = {n for n in self.live_certificates if self.people[n] == person} - {
            claim.dossier
        }
        if others:
            return False
        self.live_certificates.add(claim.dossier)
        return True

    @activity.defn
    async def set_facts_aside(self, aside: FactsSetAside) -> None:
        self.aside.append(aside)

    @activity.defn
    async def send_letter(self, order: LetterOrder) -> Posted:
        replies = self.replies.get(order.notice, [])
        reply = replies.pop(0) if replies else Posted.ACCEPTED
        if not isinstance(reply, Posted):
            raise ApplicationError(reply, type="Deferred")
        if reply is Posted.ACCEPTED:
            self.sent.append(order)
        return reply

    # ------------------------------------------------------- what a test does

    async def tell(
        self, number: DossierNumber, fact: AnyFact
    ) -> WorkflowHandle[RenewalWorkflow, str]:
        """Signal a fact, starting the story if it does not run."""
        assert self.client is not None
        return await self.client.start_workflow(
            RenewalWorkflow.run,
            Start(number=number),
            id=number,
            task_queue=RENEWALS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=fact.kind,
            start_signal_args=[fact],
        )

    async def begin(
        self, dossier: Dossier, person: str = "marc"
    ) -> WorkflowHandle[RenewalWorkflow, str]:
        """Place a dossier and start its story."""
        assert self.client is not None
        self.place(dossier, person)
        return await self.client.start_workflow(
            RenewalWorkflow.run,
            Start(number=dossier.number),
            id=dossier.number,
            task_queue=RENEWALS,
        )


async def state_of(handle: WorkflowHandle[RenewalWorkflow, str]) -> StateView:
    """Ask the story where it stands, once it has taken everything in."""
    return await handle.query(RenewalWorkflow.state)


async def phase_of(handle: WorkflowHandle[RenewalWorkflow, str]) -> Phase:
    return (await state_of(handle)).phase
