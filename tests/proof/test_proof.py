"""The oracle is itself on trial: it finds what is planted, and nothing else."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from proof.draws import draw
from proof.histories import as_text, from_text
from proof.reference.days import civil, instant, months_on, open_day
from proof.shrink import shrunk

ROOT = Path(__file__).parents[2]


def run(*asked: str) -> subprocess.CompletedProcess[str]:
    """Apart from this process: the stand-in takes the place of Temporal in its own."""
    return subprocess.run(
        [sys.executable, "-m", *asked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def prove(*asked: str) -> subprocess.CompletedProcess[str]:
    return run("proof", *asked)


@pytest.mark.timeout(400)
def test_every_planted_bug_is_found() -> None:
    proved = prove("--plants")

    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert "47 planted bugs, 0 missed" in proved.stdout


def test_a_change_of_the_ladder_replans_a_thousand_agendas_without_loss_or_copy() -> (
    None
):
    proved = run("tests.proof.replanning")

    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert "1000 agendas" in proved.stdout


def test_a_story_that_is_not_told_of_the_change_is_found_out() -> None:
    proved = run("tests.proof.replanning", "untold")

    assert proved.returncode == 1, proved.stdout + proved.stderr
    assert "lost" in proved.stdout


def test_a_seed_draws_the_same_history_which_survives_its_file() -> None:
    for seed in range(200):
        history = draw(seed)
        assert history == draw(seed)
        assert from_text(as_text(history)) == history


def test_a_failing_history_is_shrunk_to_what_counts() -> None:
    history = next(h for h in map(draw, range(200)) if len(h.told) > 3)
    needed = history.told[1]

    small = shrunk(history, lambda h: needed.fact in {t.fact for t in h.told})

    assert [t.fact for t in small.told] == [needed.fact]
    assert not small.worker_down
    assert not small.mail


@pytest.mark.parametrize(
    ("closed", "opens"),
    [
        (date(2026, 12, 25), date(2026, 12, 28)),
        (date(2027, 1, 1), date(2027, 1, 4)),
        (date(2026, 4, 3), date(2026, 4, 7)),
        (date(2027, 5, 24), date(2027, 5, 25)),
        (date(2029, 7, 1), date(2029, 7, 3)),
        (date(2028, 10, 9), date(2028, 10, 10)),
    ],
)
def test_the_references_own_calendar_agrees_with_the_table_of_the_domain(
    closed: date, opens: date
) -> None:
    assert open_day(closed) == opens
    assert open_day(opens) == opens


def test_the_references_own_hours_follow_the_clock_changes_of_quebec() -> None:
    assert instant(date(2026, 11, 1)) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert instant(date(2026, 11, 1), 9) == datetime(2026, 11, 1, 14, tzinfo=UTC)
    assert instant(date(2026, 11, 2)) == datetime(2026, 11, 2, 5, tzinfo=UTC)
    assert civil(datetime(2026, 12, 10, 4, 59, 59, tzinfo=UTC)) == date(2026, 12, 9)
    assert months_on(date(2028, 2, 29), 24) == date(2030, 2, 28)
