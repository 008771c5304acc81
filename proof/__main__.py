"""Prove it: python -m proof --layer model --lives 20000 --plants.

Findings are told, those of the model layer shrunk, and kept.
"""

import argparse
import asyncio
import gc
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, count, islice
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import track

from embedded.passing import passing_database
from engine import leave
from proof import standin, system_layer, workflow_layer
from proof.draws import draw
from proof.histories import History, as_text, kept_in
from proof.judge import Verdict, judge
from proof.model import live
from proof.plants import PLANTS, patched, planted
from proof.real_plants import REAL_PLANTS
from proof.shrink import in_words, shrunk

FOUND = Path(__file__).parent / "found"
MOST_OPEN = 0.02
"""At most so many duties may have two right answers; more would hide bugs."""

SEEDS_FOR_PLANTS = 4000
_A_BATCH = 250
_WORKFLOWS_A_BATCH = 250
_LIVES_A_STACK = 10
KEPT_LOGS = Path("var/proof")
_out = Console(highlight=False, soft_wrap=True)


def verdict_on(history: History) -> Verdict:
    """Live a history on the model layer, and judge it."""
    return judge(history, live(history))


def fails(history: History) -> bool:
    """Whether the judge finds anything."""
    return bool(verdict_on(history).findings)


def live_batch(first: int) -> tuple[list[int], Counter[str]]:
    """Live the histories of a batch of seeds; name those that fail."""
    gc.collect()
    failed, counts = [], Counter[str]()
    for seed in range(first, first + _A_BATCH):
        verdict = verdict_on(draw(seed))
        counts["duties"] += verdict.duties
        counts["open"] += verdict.open_duties
        if verdict.findings:
            failed.append(seed)
    return failed, counts


def _ready_for_many() -> None:
    """Put the stand-in in place; collect rubbish between batches, which saves 10 %."""
    standin.install()
    gc.freeze()
    gc.disable()


def replay_kept() -> int:
    """Live again every history that ever failed; how many fail now."""
    wrong = 0
    for history in kept_in(FOUND):
        findings = verdict_on(history).findings
        wrong += bool(findings)
        if findings:
            _out.print(in_words(history, findings), markup=False)
    return wrong


def live_many(lives: int, first: int, processes: int) -> int:
    """Live random histories; how many fail. Each is shrunk, told and kept."""
    began, failed, counts = time.monotonic(), list[int](), Counter[str]()
    batches = range(first, first + lives, _A_BATCH)
    with ProcessPoolExecutor(processes, initializer=_ready_for_many) as pool:
        done: Iterable[tuple[list[int], Counter[str]]] = pool.map(live_batch, batches)
        shown = track(done, "lives", len(batches), console=_out)
        for seeds, counted in shown:
            failed += seeds
            counts += counted
    for seed in failed[:5]:
        keep_and_tell(draw(seed))
    took = time.monotonic() - began
    share = counts["open"] / max(counts["duties"], 1)
    _out.print(
        f"{len(batches) * _A_BATCH} lives, {counts['duties']} letters expected,"
        f" {share:.2%} with two right answers, {len(failed)} lives wrong, {took:.0f} s"
    )
    return len(failed) + (share > MOST_OPEN)


def keep_and_tell(history: History) -> None:
    """Shrink a failing history, tell it in words, keep it for ever."""
    small = shrunk(history, fails)
    _out.print(in_words(small, verdict_on(small).findings), markup=False)
    FOUND.mkdir(exist_ok=True)
    (FOUND / f"{small.name}.json").write_text(as_text(small))


def live_workflows(lives: int, first: int, processes: int) -> int:
    """Live histories by the real workflow and effects; how many fail.

    Those ever found come first. Those that begin before today are passed over, with
    their seeds: the server's clock starts at today. A life that fails is kept as it is.
    """
    if not lives:
        return 0
    began, lived, duties, wrong = time.monotonic(), 0, 0, 0
    seeds = count(first)
    drawn = filter(workflow_layer.can_be_lived, map(draw, seeds))
    histories = [*filter(workflow_layer.can_be_lived, kept_in(FOUND))]
    histories += islice(drawn, lives)
    share = min(_WORKFLOWS_A_BATCH, -(-len(histories) // processes))
    batches = [histories[n : n + share] for n in range(0, len(histories), share)]
    # Never forked: a child would have the runtime of the SDK without its threads.
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), logging.disable, (logging.CRITICAL,)
    )
    with pool:
        done = pool.map(workflow_layer.verdicts_on, batches)
        for verdicts in track(done, "lives", len(batches), console=_out):
            lived += len(verdicts)
            duties += sum(verdict.duties for _, verdict in verdicts)
            for history, verdict in verdicts:
                if verdict.findings:
                    wrong += 1
                    _out.print(in_words(history, verdict.findings), markup=False)
                    (FOUND / f"{history.name}.json").write_text(as_text(history))
    took = time.monotonic() - began
    _out.print(
        f"{lived} lives by real workflows, {duties} letters expected,"
        f" {wrong} lives wrong, {took:.0f} s; the next seed is {next(seeds)}"
    )
    return wrong


def live_on_stacks(lives: int, first: int) -> int:
    """Live histories on whole stacks under kills; how many fail.

    Of a failure the log is kept, and each life that failed is told as the model layer
    sees it: it passes there if time or death made it fail.
    """
    began, wrong = time.monotonic(), 0
    lived, kills = 0, 0
    for seed in range(first, first + lives, _LIVES_A_STACK):
        many = min(_LIVES_A_STACK, first + lives - seed)
        outcome = system_layer.live_on_a_stack(many, seed)
        lived, kills = lived + len(outcome.verdicts), kills + outcome.kills
        wrong += outcome.wrong
        if outcome.wrong:
            tell_of_a_stack(outcome, seed)
    took = time.monotonic() - began
    _out.print(
        f"{lived} lives on the whole system, {kills} kills, {wrong} wrong, {took:.0f} s"
    )
    return wrong


def tell_of_a_stack(outcome: system_layer.Outcome, seed: int) -> None:
    """Keep the log of a stack on which something failed, and say what."""
    KEPT_LOGS.mkdir(parents=True, exist_ok=True)
    log = KEPT_LOGS / f"system-{seed}.log"
    log.write_text("\n".join(outcome.log) + "\n")
    _out.print(f"the log is {log}", *(f"SWEEP: {x}" for x in outcome.sweep), sep="\n")
    standin.install()
    for history, verdict in outcome.verdicts:
        if verdict.findings:
            (KEPT_LOGS / f"{history.name}.json").write_text(as_text(history))
            _out.print(in_words(history, verdict.findings), markup=False)
            same = verdict_on(history).findings or "nothing wrong"
            _out.print(f"  the model layer says of it: {same}", markup=False)


def find_real_plants() -> int:
    """Look for the bugs of the workflow layer, each in a life; how many are missed."""
    missed = 0
    with passing_database() as (url, _folder):
        for name, (make, seed) in REAL_PLANTS.items():
            with patched(make()):
                lived = asyncio.run(workflow_layer.verdicts_by([draw(seed)], url))
            [(history, verdict)] = lived
            missed += not verdict.findings
            how = next(iter(verdict.findings), "NOT FOUND")
            line = f"{name.replace('_', ' '):44} {history.name}: {how}"
            _out.print(line, markup=False)
    _out.print(f"{len(REAL_PLANTS)} bugs planted under real workflows, {missed} missed")
    return missed


def find_plants() -> int:
    """Look for each planted bug, from the first seed on; how many are missed."""
    missed, began = 0, time.monotonic()
    histories = [draw(seed) for seed in range(SEEDS_FOR_PLANTS)]
    for name in PLANTS:
        with planted(name):
            found = next(_findings(histories), None)
        missed += found is None
        how = "NOT FOUND" if found is None else f"life {found[0]}: {found[1]}"
        _out.print(f"{name.replace('_', ' '):44} {how}", markup=False)
    took = time.monotonic() - began
    _out.print(f"{len(PLANTS)} planted bugs, {missed} missed, {took:.0f} s")
    return missed


def _findings(histories: Iterable[History]) -> Iterator[tuple[int, str]]:
    found = ((n, verdict_on(h).findings) for n, h in enumerate(histories, 1))
    return chain.from_iterable(((n, f) for f in findings) for n, findings in found)


def main() -> int:
    """Prove what was asked for; 0 when nothing is wrong."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument(
        "--layer", choices=("model", "workflow", "system"), default="model"
    )
    asked.add_argument("--lives", type=int, default=0)
    asked.add_argument("--first-seed", type=int, default=0)
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--plants", action="store_true")
    given = asked.parse_args()
    if given.layer == "workflow":
        logging.disable(logging.CRITICAL)  # what fails and is tried again is meant
        wrong = find_real_plants() if given.plants else 0
        wrong += live_workflows(given.lives, given.first_seed, given.processes)
        return 1 if wrong else 0
    if given.layer == "system":
        return 1 if live_on_stacks(given.lives, given.first_seed) else 0
    standin.install()
    wrong = replay_kept()
    if given.plants:
        wrong += find_plants()
    if given.lives:
        wrong += live_many(given.lives, given.first_seed, given.processes)
    return 1 if wrong else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    leave(code)
