"""The control: python -m proof.control; the usual way against ours, on the same lives.

The reminders of one cohort, with one schedule of outages and of mail faults, sent three
ways: by a nightly job, by its variant with a last-run table, and by the stories. One
reference judges them; letters of the jobs are due at 09:00, ours in two hours from it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import track
from rich.table import Table as Shown

from engine import leave
from proof import standin
from proof.draws import draw
from proof.histories import History
from proof.judge import GRACE
from proof.model import live
from proof.nightly import USUAL_WAYS, Table
from proof.reference.days import SPREAD, civil, instant
from proof.reference.following import Duty
from proof.reference.whole import expected
from proof.seen import Mail

OURS = "the stories"
WAYS = (*USUAL_WAYS, OURS)
MISSED, UNSEEN = "lost", "never due"
WRONGS = (MISSED, UNSEEN, "doubled", "false", "late")
OUTAGES = {
    "none": timedelta(),
    "1 h": timedelta(hours=1),
    "6 h": timedelta(hours=6),
    "1 d": timedelta(days=1),
    "3 d": timedelta(days=3),
    "10 d": timedelta(days=10),
    "40 d": timedelta(days=40),
}
_REMINDERS = ("reminder_", "exam_ends_")
_LIVES_A_TASK = 50
_out = Console(highlight=False, width=100)

Tally = dict[str, Counter[str]]


def tally(history: History) -> Tally:
    """Live one history three ways; what came of its reminders, by way."""
    table = Table(history)
    jobs = {
        name: _counted(history, 1, way(history, table).live())
        for name, way in USUAL_WAYS.items()
    }
    return {**jobs, OURS: _counted(history, SPREAD, live(history).mailbox)}


def _counted(history: History, spread_s: int, mailbox: list[Mail]) -> Counter[str]:
    letters = expected(history, spread_s).duties
    duties = {k: d for k, d in letters.items() if d.notice.startswith(_REMINDERS)}
    # The letter that opens the last steps says what a reminder of that day would.
    said = {
        (key.partition("/")[0], civil(duty.windows[0][0]))
        for key, duty in letters.items()
        if duty.notice in {"finalize", "transfer_accepted"}
    }
    box: dict[str, list[Mail]] = {key: [] for key in duties}
    counts = Counter(due=sum(d.value == "MUST" for d in duties.values()))
    for mail in mailbox:
        if mail.key in duties:
            box[mail.key].append(mail)
        elif mail.key.rpartition("/")[2].startswith(_REMINDERS):
            counts["false"] += (mail.key.partition("/")[0], civil(mail.at)) not in said
    for key, mails in box.items():
        if not mails and duties[key].value == "MUST":
            counts[_how_lost(duties[key], spread_s)] += 1
        counts["doubled"] += max(len(mails) - 1, 0)
        for mail in mails[:1]:
            wrong = _out_of_window(duties[key], mail.at)
            counts[wrong] += bool(wrong)
    return counts


def _how_lost(duty: Duty, spread_s: int) -> str:
    """Tell a step that fell due on its morning from one that a change brought.

    A life taken over in the middle of its ladder, a date corrected, a link given back:
    the step that counts now is due at once, on no day that `today + N` names.
    """
    begins = duty.windows[0][0]
    morning = instant(civil(begins), 9)
    on_time = morning <= begins <= morning + timedelta(seconds=spread_s)
    return MISSED if on_time else UNSEEN


def _out_of_window(duty: Duty, at: datetime) -> str:
    """Whether a letter came too late for what it says, or when it was not true."""
    if any(lo <= at < hi + GRACE for lo, hi in duty.windows):
        return ""
    return "late" if all(at >= hi for _, hi in duty.windows) else "false"


# ------------------------------------------------------------------- the two cohorts


def with_outage(lasts: timedelta, history: History) -> History:
    """Let the machine be down once, about a reminder, and nothing else fail."""
    calm = replace(history, worker_down=(), relay_down=(), mail={})
    starts = [
        lo
        for duty in expected(calm, 1).duties.values()
        if duty.notice.startswith(_REMINDERS)
        for lo, _ in duty.windows
    ]
    if not starts or not lasts:
        return calm
    chance = Random(history.name)
    begins = chance.choice(sorted(starts)) - chance.random() * lasts
    begins = max(begins, history.begins + timedelta(hours=1))
    ends = min(begins + lasts, history.until - timedelta(days=2))
    return replace(calm, worker_down=((begins, ends),) if begins < ends else ())


def _tally_of(
    change: Callable[[History], History] | None, seeds: Iterable[int]
) -> Tally:
    totals: Tally = {way: Counter() for way in WAYS}
    for history in map(draw, seeds):
        for way, counts in tally(change(history) if change else history).items():
            totals[way] += counts
    return totals


def compare(
    pool: ProcessPoolExecutor,
    lives: int,
    says: str,
    change: Callable[[History], History] | None = None,
) -> Tally:
    """Live a cohort three ways, with progress."""
    totals: Tally = {way: Counter() for way in WAYS}
    starts = range(0, lives, _LIVES_A_TASK)
    parts = [range(a, min(a + _LIVES_A_TASK, lives)) for a in starts]
    done = pool.map(partial(_tally_of, change), parts)
    for part in track(done, says, len(parts), console=_out):
        for way, counts in part.items():
            totals[way] += counts
    return totals


# ------------------------------------------------------------------- what is told


def as_table(totals: Tally) -> Shown:
    """Say it in one table."""
    shown = Shown("reminders sent by", "due", *WRONGS, "wrong in 1,000")
    for way, counts in totals.items():
        numbers = (f"{counts[what]:,}" for what in ("due", *WRONGS))
        shown.add_row(way, *numbers, f"{wrong_in_a_thousand(counts):.1f}")
    shown.caption = f"{UNSEEN}: a change made it due at once, on no day of `today + N`"
    return shown


def wrong_in_a_thousand(counts: Counter[str], *, but_for: str = "") -> float:
    """How many of a thousand reminders went wrong, in whatever way."""
    wrong = sum(counts[what] for what in WRONGS if what != but_for)
    return 1000 * wrong / max(counts["due"], 1)


def plot(cohort: Tally, outages: dict[str, Tally], to: Path) -> None:
    """Draw what went wrong, and how it grows with the length of one outage."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - heavy, for the picture only

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    below = [0.0] * len(WAYS)
    for what in WRONGS:
        shares = [1000 * cohort[w][what] / cohort[w]["due"] for w in WAYS]
        left.bar(WAYS, shares, bottom=below, label=what)
        below = [a + b for a, b in zip(below, shares, strict=True)]
    left.set_title("Random outages and mail faults")
    left.set_ylabel("reminders wrong in 1,000")
    left.legend()
    for way, marker in zip(WAYS, "osD", strict=True):
        line = [
            wrong_in_a_thousand(told[way], but_for=UNSEEN) for told in outages.values()
        ]
        right.plot(list(outages), line, marker=marker, label=way)
    right.set_title(f"One outage about a reminder (“{UNSEEN}” left out)")
    right.set_xlabel("length of the outage")
    right.legend()
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, metadata={"Date": None, "Creator": None})


def main() -> int:
    """Compare; 0 when ours lost, doubled and falsified nothing."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--lives", type=int, default=2000)
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--plot", type=Path, help="Draw both pictures here (SVG).")
    given = asked.parse_args()
    standin.install()
    with ProcessPoolExecutor(given.processes, initializer=standin.install) as pool:
        cohort = compare(pool, given.lives, "cohort")
        _out.print(as_table(cohort))
        if given.plot:
            outages = {
                name: compare(pool, given.lives // 4, name, partial(with_outage, lasts))
                for name, lasts in OUTAGES.items()
            }
            for name, totals in outages.items():
                _out.print(f"One outage: {name}", as_table(totals))
            plot(cohort, outages, given.plot)
    return int(any(cohort[OURS][what] for what in WRONGS))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    leave(code)
