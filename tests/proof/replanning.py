"""A thousand agendas, and a change of the reminders' ladder in the middle of each.

Run apart from the tests' process: python -m tests.proof.replanning; with "untold" the
stories are not told of the change, and go on with the ladder they know.
"""

import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from engine import leave
from proof import standin
from proof.histories import OLD, History, Holder, LinkGiven
from proof.model import Life
from proof.reference.days import LADDER, instant, ladder, months_on
from proof.standin import finish
from rules.policy import Policy, Rung
from workflows.messages import PolicyQuestion

LIVES = 1000
NEW_LADDER = (75, 60, 45, 30, 10, 3, 0)
DAY, GRACE = timedelta(days=1), timedelta(minutes=5)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class ReplannedLife(Life):
    """A life whose policy changes at an instant, of which its story is told then."""

    changes_at: datetime = NEVER
    is_told: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        known = self.records.read_policy

        def read_policy(question: PolicyQuestion) -> Policy:
            policy = known(question)
            if self.now < self.changes_at:
                return policy
            rungs = tuple(Rung(n, f"reminder_{n}") for n in NEW_LADDER)
            return replace(policy, reminders=rungs, version="new ladder")

        self.records.read_policy = read_policy  # type: ignore[method-assign] # the change
        self._at(self.changes_at, "change", OLD)

    def _next_instant(self) -> None:
        at, _, _, what, number = self._due[0]
        if what == "change":
            self.now = at
        if what == "change" and self.is_told:
            finish(self.runs[number].story.policy_changed())
        super()._next_instant()


def a_life(seed: int, *, is_told: bool) -> ReplannedLife:
    """Draw when the story is taken over, and when the ladder changes."""
    chance = Random(seed)
    echeance = date(2027, 1, 10) + chance.randrange(700) * DAY
    start = months_on(echeance, -24)
    begins = instant(echeance - chance.randrange(2, 130) * DAY) + chance.random() * DAY
    ends = instant(echeance)
    changes_at = begins + chance.random() * (ends - begins)
    if chance.random() < 0.5:  # about a step of either ladder
        step = chance.choice(_steps(LADDER, echeance) + _steps(NEW_LADDER, echeance))
        changes_at = max(begins, step[1] + (chance.random() - 0.5) * timedelta(hours=1))
    links = (LinkGiven("link-1", "AR-1001", start),)
    holder = Holder(start, echeance, start - 100 * DAY, links)
    history = History(f"replanned-{seed}", begins, ends + 5 * DAY, old=holder)
    return ReplannedLife(history, changes_at=changes_at, is_told=is_told)


def _steps(
    days: tuple[int, ...], echeance: date
) -> list[tuple[str, datetime, datetime]]:
    steps = ladder(
        f"{OLD}/{echeance}", days, echeance - DAY, instant(echeance), "reminder_"
    )
    return [(key, due, until) for key, _, due, until in steps]


def expected(life: ReplannedLife) -> dict[str, datetime]:
    """Each step of the old ladder until the change, then of the new one, once.

    A step that the old ladder had passed over is not taken up by the new one: what
    says thirty days must not leave when ten are left.
    """
    holder = life.history.old
    assert holder is not None
    said: dict[str, datetime] = {}
    lived = life.history.begins < life.changes_at
    old = dict(step[:2] for step in _steps(LADDER, holder.echeance) if lived)
    spans = (
        (LADDER, life.history.begins, life.changes_at),
        (NEW_LADDER, max(life.changes_at, life.history.begins), life.history.until),
    )
    for days, begins, ends in spans:
        for key, due, until in _steps(days, holder.echeance):
            at = max(due, begins)
            passed_over = days is NEW_LADDER and key in old and due < life.changes_at
            if at < min(until, ends) and not passed_over:
                said.setdefault(key, at)
    return said


def wrongs(life: ReplannedLife) -> list[str]:
    """Name what was lost, doubled, false or late."""
    seen = life.live()
    told = [m for m in seen.mailbox if "/reminder_" in m.key]
    must, times = expected(life), Counter(mail.key for mail in told)
    return [
        *(f"lost: {key}" for key in must.keys() - times.keys()),
        *(f"false: {key}" for key in times.keys() - must.keys()),
        *(f"doubled: {key}" for key, n in times.items() if n > 1),
        *(
            f"late: {mail.key} {mail.at} and not {must[mail.key]}"
            for mail in told
            if mail.key in must and abs(mail.at - must[mail.key]) > GRACE
        ),
    ]


def main() -> int:
    """Live them all; 0 when every reminder was sent once, in its place."""
    standin.install()
    reminders = 0
    for seed in range(LIVES):
        life = a_life(seed, is_told="untold" not in sys.argv)
        if found := wrongs(life):
            sys.stdout.write(f"life {seed}, changed {life.changes_at}: {found}\n")
            return 1
        reminders += len(expected(life))
    sys.stdout.write(f"{LIVES} agendas, {reminders} reminders, none wrong\n")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    leave(code)
