"""The effects in memory: records, outbox and relay as the real ones promise to be.

A test-only build of the adapters: `plants` breaks them one at a time.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from proof.histories import History
from proof.seen import Mail
from rules.dossier import Dossier, Kind
from rules.policy import Policy, _tables, load_policy
from rules.standing import phase_at
from workflows.messages import (
    CertificateAnswer,
    CertificateClaim,
    CertificateQuestion,
    FactsSetAside,
    LetterOrder,
    PolicyQuestion,
    Posted,
    Record,
    ResultMove,
    Story,
)

_POLICIES: dict[int, Policy] = {}
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=15)
_DOUBLINGS = 7
_ENDED = {
    "accepted": Posted.ACCEPTED,
    "refused": Posted.REFUSED,
    "skipped": Posted.SKIPPED,
    "cancelled": Posted.SKIPPED,
}


class DeferredError(Exception):
    """Not now; *pause* until the next attempt."""

    def __init__(self, pause: timedelta) -> None:
        super().__init__()
        self.pause = pause


@cache
def _starts(kind: Kind) -> frozenset[date]:
    """The days on which a value begins: between two of them all days are alike."""
    return frozenset(r["from"] for rows in _tables(kind).values() for r in rows)


@dataclass
class Post:
    """An outbox and a relay with its log."""

    history: History
    rows: dict[str, str] = field(default_factory=dict)
    ordered: dict[str, datetime] = field(default_factory=dict)
    mailbox: list[Mail] = field(default_factory=list)
    bounces: dict[str, datetime] = field(default_factory=dict)
    _met: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._met = {notice: list(x) for notice, x in self.history.mail.items()}

    def address_at(self, at: datetime) -> str:
        """Where the person is written to."""
        moves = [t.about for t in self.history.told if t.what == "moved" and t.at <= at]
        return moves[-1] if moves else "first"

    def relay_is_up(self, at: datetime) -> bool:
        """Whether the relay answers."""
        return not any(a <= at < b for a, b in self.history.relay_down)

    def pause(self, attempts: int) -> timedelta:
        """The pause after so many attempts."""
        pause: timedelta = _FIRST_PAUSE * 2 ** min(attempts, _DOUBLINGS)
        return min(pause, _LONGEST_PAUSE)

    def send(self, order: LetterOrder, now: datetime, attempts: int) -> Posted:
        """One attempt; raises DeferredError when another must come."""
        state = self.rows.setdefault(order.key, "queued")
        if state == "cancelled" and order.occurred_at > self.ordered[order.key]:
            state = "queued"  # its cause came back
        self.ordered[order.key] = order.occurred_at
        if state in _ENDED:
            return _ENDED[state]
        if state == "sending" and self.log_has(order.key):
            self.rows[order.key] = "accepted"
            return Posted.ACCEPTED
        if self.useless(order, now):
            self.rows[order.key] = "skipped"
            return Posted.SKIPPED
        return self.attempt(order, now, attempts)

    def useless(self, order: LetterOrder, now: datetime) -> bool:
        """Whether its window is over."""
        return order.useless_at is not None and order.useless_at <= now

    def log_has(self, key: str) -> bool:
        """Ask the relay's log."""
        return any(mail.key == key for mail in self.mailbox)

    def attempt(self, order: LetterOrder, now: datetime, attempts: int) -> Posted:
        """Claim, hand over, note the answer."""
        self.rows[order.key] = "sending"
        if not self.relay_is_up(now):
            return self.deferred(order, attempts, self.back_in(now))
        match self.meets(order.notice):
            case "450":
                return self.deferred(order, attempts)
            case "550":
                return self.refused(order, attempts)
            case "dies before":
                raise DeferredError(self.pause(attempts))
            case "lost" | "dies after":
                self.take(order, now)
                raise DeferredError(self.pause(attempts))
            case "bounces":
                self.bounces[order.key] = now + timedelta(days=1)
        self.take(order, now)
        self.rows[order.key] = "accepted"
        return Posted.ACCEPTED

    def meets(self, notice: str) -> str:
        """What the next attempt at a letter of this kind meets."""
        meets = self._met.get(notice)
        return meets.pop(0) if meets else "250"

    def back_in(self, at: datetime) -> timedelta:
        """How long the relay stays away."""
        return next(b - at for a, b in self.history.relay_down if a <= at < b)

    def deferred(
        self, order: LetterOrder, attempts: int, away: timedelta = timedelta()
    ) -> Posted:
        """The relay says later; attempts on a relay that is away are passed over."""
        self.rows[order.key] = "deferred"
        pause = self.pause(attempts)
        if away > pause:
            pause += -((pause - away) // _LONGEST_PAUSE) * _LONGEST_PAUSE
        raise DeferredError(pause)

    def refused(self, order: LetterOrder, attempts: int) -> Posted:  # noqa: ARG002
        """The relay says never."""
        self.rows[order.key] = "refused"
        return Posted.REFUSED

    def take(self, order: LetterOrder, now: datetime) -> None:
        """A letter in the box."""
        self.mailbox.append(Mail(order.key, now, self.address_at(now)))


@dataclass
class Records:
    """What the database would hold."""

    now: Any
    post: Post
    dossiers: dict[str, Dossier] = field(default_factory=dict)
    kept: dict[str, list[Record]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    told: dict[str, tuple[str, Any]] = field(default_factory=dict)
    to_deliver: list[tuple[str, Any]] = field(default_factory=list)
    tasks: set[str] = field(default_factory=set)
    applied: set[str] = field(default_factory=set)

    def place(self, dossier: Dossier) -> None:
        """A dossier where the database has it."""
        self.dossiers[dossier.number] = dossier
        self.kept[dossier.number] = []
        if dossier.exam is not None:
            self.homes[dossier.exam.result_id] = dossier.number

    def do(self, effect: str, given: Any) -> Any:
        """Carry out an effect by its name."""
        return getattr(self, effect)(given)

    def load_story(self, number: str) -> Story | None:
        """Rebuild a story."""
        dossier, kept = self.dossiers[number], self.kept[number]
        policy = self.read_policy(PolicyQuestion(kind=Kind.CAR, on=self.now().date()))
        if not kept:
            phase = phase_at(dossier, policy, self.now())
            return Story(dossier=dossier, policy=policy, phase=phase)
        return Story(
            dossier=kept[-1].dossier,
            policy=policy,
            phase=kept[-1].phase,
            version=kept[-1].version,
            seen=tuple(fact for record in kept for fact in record.applied),
            settled=(*(key for r in kept for key in r.settled), *self.post.rows),
        )

    def read_policy(self, question: PolicyQuestion) -> Policy:
        """Read the values in force."""
        period = sum(start <= question.on for start in _starts(question.kind))
        if period not in _POLICIES:
            _POLICIES[period] = load_policy(question.kind, question.on)
        return _POLICIES[period]

    def keep_record(self, record: Record) -> None:
        """Keep a turn, once."""
        kept = self.kept[record.dossier.number]
        if kept and kept[-1].version >= record.version:
            return
        kept.append(record)
        self.applied |= set(record.applied)
        self.tasks |= {task.task_id for task in record.tasks_opened}
        for order in record.letters:
            self.post.rows.setdefault(order.key, "queued")
        for key in record.withdrawn:
            if self.post.rows.get(key) in {"queued", "deferred"}:
                self.post.rows[key] = "cancelled"
        self.told |= {t.fact.fact_id: (t.to, t.fact) for t in record.told}

    def deliver_told(self, fact_ids: list[str]) -> None:
        """Tell other dossiers."""
        self.to_deliver += [self.told[fact_id] for fact_id in fact_ids]

    def whose_certificate(self, question: CertificateQuestion) -> CertificateAnswer:
        """One person in a life: it is hers, or nobody's."""
        known = question.certificate in self.dossiers
        return CertificateAnswer.SAME_PERSON if known else CertificateAnswer.UNKNOWN

    def move_result(self, move: ResultMove) -> bool:
        """Give a result its new home."""
        if self.homes.get(move.result_id) == move.from_dossier:
            self.homes[move.result_id] = move.to_dossier
        return self.homes.get(move.result_id) == move.to_dossier

    def claim_certificate(self, claim: CertificateClaim) -> bool:  # noqa: ARG002
        """One person, one certificate at a time: the old one has ended here."""
        return True

    def set_facts_aside(self, aside: FactsSetAside) -> None:
        """Nobody bears the number."""
        raise AssertionError(f"facts for nobody: {aside}")
