"""The judge: a life as it was found, against what the reference says of it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from proof.histories import History
from proof.reference.following import Duty, Expected
from proof.reference.whole import expected
from proof.seen import Mail, Seen

GRACE = timedelta(minutes=5)
PROMPT = timedelta(hours=2)
"""Worker and relay up for so long after an event: its letter has left."""

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Verdict:
    """What is wrong, in words; and how many duties had two right answers."""

    findings: list[str] = field(default_factory=list)
    duties: int = 0
    open_duties: int = 0  # MAY


def judge(history: History, seen: Seen, *, grace: timedelta = GRACE) -> Verdict:
    """Compare; no findings if all is as it must be."""
    must = expected(history)
    verdict = Verdict(list(seen.trouble), len(must.duties))
    if seen.trouble:
        return verdict
    say = verdict.findings.append
    box: dict[str, list[Mail]] = {}
    for mail in seen.mailbox:
        box.setdefault(mail.key, []).append(mail)
    for key in box.keys() - must.duties.keys():
        say(f"false: {key} sent {box[key][0].at:%Y-%m-%d %H:%M:%S}")
    for key, duty in must.duties.items():
        verdict.open_duties += duty.value == "MAY"
        for finding in _of_duty(history, key, duty, box.get(key, []), grace):
            say(finding)
    for finding in (
        *_of_tasks(history, must, seen, box),
        *_of_rows(seen, box),
        *_of_addresses(history, seen),
    ):
        say(finding)
    if seen.phases != must.phases:
        say(f"phase: {seen.phases}, not {must.phases}")
    if seen.terms != must.terms:
        say(f"terms: {seen.terms}, not {must.terms}")
    return verdict


def _of_duty(
    history: History, key: str, duty: Duty, mails: list[Mail], grace: timedelta
) -> list[str]:
    if not mails:
        return [f"lost: {key}"] if duty.value == "MUST" else []
    if duty.value == "TASK":
        return [f"refused, yet sent: {key}"]
    found = [f"doubled: {key}"] if len(mails) > 1 else []
    for mail in mails:
        if not any(
            lo <= mail.at < min(hi, NEVER - grace) + grace for lo, hi in duty.windows
        ):
            found.append(f"window: {key} sent {mail.at:%Y-%m-%d %H:%M:%S}")
        elif duty.value == "NONE":
            found.append(f"false: {key} sent {mail.at:%Y-%m-%d %H:%M:%S}")
    first = min(mail.at for mail in mails)
    if first > _prompt(history, duty) + grace:
        found.append(f"late: {key} sent {first:%Y-%m-%d %H:%M:%S}")
    return found


def _prompt(history: History, duty: Duty) -> datetime:
    """The end of the first time in which all was up for long enough."""
    for lo, hi in duty.windows:
        at = lo
        for down, back in sorted((*history.worker_down, *history.relay_down)):
            if down < at + PROMPT and back > at:
                at = back
        if at + PROMPT <= hi:
            return at + PROMPT
    return NEVER - GRACE


def _of_tasks(
    history: History, must: Expected, seen: Seen, box: dict[str, list[Mail]]
) -> list[str]:
    wanted = set(must.tasks)
    for key, told_at in seen.bounced.items():
        if key in box and told_at < history.until:
            wanted.add(f"{key.partition('/')[0]}:letter_bounced:{key}")
    closed = {task.rpartition(":letter_bounced:")[2] for task in wanted}
    missing, extra = wanted - seen.tasks, seen.tasks - wanted
    unsure = {
        f"{key.partition('/')[0]}:letter_refused:{key}"
        for key, duty in must.duties.items()
        if duty.value == "MAY"
    }
    missing = {t for t in missing if not _told_after_the_end(t, seen)}
    extra = {t for t in extra if not (t.endswith(":bounced") and closed)}
    return [
        *(f"no task: {task}" for task in sorted(missing - unsure)),
        *(f"a task for nothing: {task}" for task in sorted(extra - unsure)),
    ]


def _told_after_the_end(task: str, seen: Seen) -> bool:
    """A bounce told to a closed dossier is a task of another name."""
    number, _, key = task.partition(":letter_bounced:")
    return f"{number}:fact_for_closed_dossier:{key}:bounced" in seen.tasks


def loose_ends(seen: Seen) -> list[str]:
    """Name what no life may leave behind it, whatever it was about."""
    box: dict[str, list[Mail]] = {}
    for mail in seen.mailbox:
        box.setdefault(mail.key, []).append(mail)
    doubled = (f"doubled: {key}" for key, mails in box.items() if len(mails) > 1)
    return [*seen.trouble, *doubled, *_of_rows(seen, box)]


def _of_rows(seen: Seen, box: dict[str, list[Mail]]) -> list[str]:
    """Each mail has its row and the reverse; each fact was heard."""
    taken = {
        k
        for k, state in seen.letters.items()
        if state in {"accepted", "bounced", "delivered"}
    }
    # Withdrawn while in doubt: the sweep of such rows asks the relay's log.
    doubt = {k for k, state in seen.letters.items() if state in {"sending", "unknown"}}
    known = taken | doubt
    times = Counter(seen.facts.values())
    return [
        *(f"a row without its mail: {key}" for key in sorted(taken - box.keys())),
        *(f"a mail without its row: {key}" for key in sorted(box.keys() - known)),
        *([f"facts not heard: {times['new']}"] if times["new"] else []),
    ]


def _of_addresses(history: History, seen: Seen) -> list[str]:
    moves = [t for t in history.told if t.what == "moved"]
    if not moves:
        return []
    return [
        f"old address: {mail.key}"
        for mail in seen.mailbox
        if mail.to != ([m.about for m in moves if m.at <= mail.at] or ["first"])[-1]
        and not any(m.at <= mail.at < m.at + GRACE for m in moves)
    ]
