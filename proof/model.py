"""The model layer: the real story and the real rules, lived without any server."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from proof.histories import ASKED_AGAIN_IN, COMMANDS, OLD, History, Holder, Told
from proof.memory import DeferredError, Post, Records
from proof.seen import Seen
from proof.standin import ContinueAsNewError, Run, Sending
from proof.telling import command_of, fact_of
from rules.dossier import Dossier, Exam, Kind, Link, Operation, Term
from rules.numbers import DossierNumber, PermitNumber
from workflows.messages import LetterBounced, Source, Start

SOON = timedelta(seconds=1)


def holder_of(holder: Holder, number: str = OLD) -> Dossier:
    """The dossier of a certificate that exists."""
    return Dossier(
        number=DossierNumber(number),
        kind=Kind.CAR,
        opened_on=holder.start,
        exam=Exam(f"exam-{number}", holder.passed_on, here_since=holder.start),
        terms=(Term(holder.start, holder.echeance),),
        links=tuple(
            Link(x.link, PermitNumber(x.permit), x.since, x.since, x.until)
            for x in holder.links
        ),
    )


def dossiers_of(history: History) -> list[Dossier]:
    """The dossiers as they are when the story is taken over."""
    old = [holder_of(history.old, history.old_number)] if history.old else []
    if history.new is None:
        return old
    number = DossierNumber(history.new_number)
    return [*old, Dossier(number=number, kind=Kind.CAR, opened_on=history.new)]


@dataclass
class Life:
    """One history as it is lived."""

    history: History
    now: datetime = field(init=False)
    runs: dict[str, Run] = field(default_factory=dict)
    _due: list[tuple[datetime, datetime, int, str, Any]] = field(default_factory=list)
    _order: Any = field(default_factory=count)
    _bills: dict[str, str] = field(default_factory=dict)
    _alarms: dict[str, datetime] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.history.begins
        self.post = Post(self.history)
        self.records = Records(lambda: self.now, self.post)

    # ------------------------------------------------------------------ what comes

    def live(self) -> Seen:
        """Live it to its end."""
        self._put_down_what_comes()
        for dossier in dossiers_of(self.history):
            self.records.place(dossier)
            self.runs[dossier.number] = self._new_run(Start(number=dossier.number))
        self._go_on()
        while self._due and self._due[0][0] < self.history.until:
            self._next_instant()
        return self._seen()

    def _put_down_what_comes(self) -> None:
        for told in self.history.told:
            if told.captured_at is not None:
                self._at(told.captured_at, "look", told)
            for at in (told.at, *told.again):
                self._at(at, "tell", told)

    def _at(
        self, at: datetime, what: str, about: object, first: datetime | None = None
    ) -> None:
        """Put down what comes; of what comes at one instant, what waited is *first*."""
        entry = (at, first or at, next(self._order), what, about)
        heapq.heappush(self._due, entry)

    def _awake_at(self, at: datetime) -> datetime:
        return next((b for a, b in self.history.worker_down if a <= at < b), at)

    def _next_instant(self) -> None:
        """Take all that comes at one instant, as one awakening.

        No letter leaves before the stories have heard what was told.
        """
        self.now = at = self._due[0][0]
        awake_at = self._awake_at(at)
        letters: list[Sending] = []
        while self._due and self._due[0][0] == at:
            _, first, _, what, about = heapq.heappop(self._due)
            if what == "look":
                self._look(about)
            elif awake_at > at:
                self._put_off(what, about, awake_at, first)
            elif what == "tell":
                self._tell(about)
            elif what == "bounce":
                self._bounce(about)
            elif what == "send":
                letters.append(about)
        if awake_at > at:
            return
        self._go_on()
        for sending in letters:
            self._send(sending)
        if letters:
            self._go_on()

    def _put_off(self, what: str, about: Any, to: datetime, first: datetime) -> None:
        if what == "tell" and about.what in COMMANDS:
            self._at(to + ASKED_AGAIN_IN, what, about)
        else:
            self._at(to, what, about, first)

    # --------------------------------------------------------------- what happens

    def _look(self, told: Told) -> None:
        """Somebody pays the newest fee of a dossier, if one is asked."""
        dossier = self._dossier(told.to)
        operation = Operation.RENEWAL if dossier.terms else Operation.ISSUE
        asked = [i for i in dossier.invoices if i.operation is operation]
        if asked:
            self._bills[told.about] = asked[-1].invoice_id

    def _dossier(self, number: str) -> Dossier:
        kept = self.records.kept[number]
        return kept[-1].dossier if kept else self.records.dossiers[number]

    def _tell(self, told: Told) -> None:
        command = command_of(told)
        if command is not None:
            run = self.runs[told.to]
            if run.result is None:
                run.update(command, self.now)
            return
        if told.what in {"paid", "reversed"} and told.about not in self._bills:
            return
        fact = fact_of(told, self._bills.get(told.about, ""), self.now)
        if fact is not None:
            self.facts[fact.fact_id] = told.to
            self._signal(told.to, fact)

    def _bounce(self, key: str) -> None:
        number = key.partition("/")[0]
        fact = LetterBounced(
            fact_id=f"{key}:bounced",
            source=Source.RELAY,
            occurred_at=self.now,
            received_at=self.now,
            letter_key=key,
        )
        self.facts[fact.fact_id] = number
        self._signal(number, fact)

    def _signal(self, number: str, fact: Any) -> None:
        """Signal with start: a closed story begins again to hear what comes late."""
        if self.runs[number].result is not None:
            self.runs[number] = self._new_run(Start(number=DossierNumber(number)))
        self.runs[number].signal(fact)

    def _new_run(self, start: Start) -> Run:
        return Run(start, self.records.do)

    def _go_on(self) -> None:
        """Let every story act until all of them wait."""
        for number in self.runs:
            self._step(number)
        while self.records.to_deliver:
            waiting, self.records.to_deliver = self.records.to_deliver, []
            for to, fact in waiting:
                self._signal(to, fact)
                self._step(to)

    def _step(self, number: str) -> None:
        run = self.runs[number]
        while True:
            try:
                run.go_on(self.now)
            except ContinueAsNewError as handover:
                for sending in run.sendings:
                    sending.over = True
                run = self.runs[number] = self._new_run(handover.start)
                continue
            if not self._post_letters(run):
                break
        self._set_alarm(number)

    def _post_letters(self, run: Run) -> bool:
        """Begin what was handed to the queue, end what was stopped."""
        moved = False
        for sending in run.sendings:
            if sending.stopped and not sending.over:
                sending.end(None)
                moved = True
            elif sending.attempts == 0 and not sending.over:
                self._attempt(sending)
                moved |= sending.over
        run.sendings = [s for s in run.sendings if not s.over]
        return moved

    def _attempt(self, sending: Sending) -> None:
        bounced = len(self.post.bounces)
        try:
            posted = self.post.send(sending.order, self.now, sending.attempts)
        except DeferredError as later:
            sending.attempts += 1
            self._at(self.now + later.pause, "send", sending)
        else:
            if len(self.post.bounces) > bounced:
                key = sending.order.key
                self._at(self.post.bounces[key], "bounce", key)
            sending.end(posted)

    def _send(self, sending: Sending) -> None:
        if not sending.over and not sending.stopped:
            self._attempt(sending)

    def _set_alarm(self, number: str) -> None:
        at = self.runs[number].wakes_at
        if at is not None and self._alarms.get(number) != at:
            self._alarms[number] = at
            self._at(at, "wake", number)

    # --------------------------------------------------------------- how it ended

    def _seen(self) -> Seen:
        self.now = self.history.until
        dossiers = {n: self._dossier(n) for n in self.history.numbers}
        applied = self.records.applied
        phases = {n: run.story._story.phase for n, run in self.runs.items()}  # noqa: SLF001
        return Seen(
            mailbox=self.post.mailbox,
            letters=self.post.rows,
            tasks=self.records.tasks,
            facts={f: "applied" if f in applied else "new" for f in self.facts},
            phases={n: str(phase) for n, phase in phases.items()},
            terms={
                n: [(t.start, t.echeance) for t in d.terms] for n, d in dossiers.items()
            },
            bounced=self.post.bounces,
        )


def live(history: History) -> Seen:
    """Live a history on the model layer."""
    try:
        return Life(history).live()
    except (AssertionError, LookupError, ValueError, TypeError) as broke:
        return Seen(trouble=[f"{type(broke).__name__}: {broke}"])
