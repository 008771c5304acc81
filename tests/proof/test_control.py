"""The control is fair: where nothing fails, the usual way sends what is due."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CALM = """
from dataclasses import replace
from proof import standin
standin.install()
from proof.control import draw, tally
from proof.histories import OLD
from rules.civil_time import add_months

whole = 0
for seed in range(80):
    drawn = draw(seed)
    if drawn.old is None or drawn.new is not None:
        continue
    calm = replace(drawn, told=(), worker_down=(), relay_down=(), mail={})
    links = tuple(replace(link, until=None) for link in calm.old.links)
    calm = replace(calm, old=replace(calm.old, links=links))
    for way, counts in tally(calm).items():
        wrong = {k: n for k, n in counts.items() if n and k not in {"due", "never due"}}
        assert not wrong, (seed, way, wrong)
        whole += counts["due"]
assert whole > 300, whole
"""


def python(*asked: str) -> subprocess.CompletedProcess[str]:
    """Apart from this process: the stand-in takes the place of Temporal in its own."""
    return subprocess.run(
        [sys.executable, *asked], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_in_a_calm_world_the_usual_way_is_right_but_for_what_no_morning_names() -> None:
    proved = python("-c", CALM)

    assert proved.returncode == 0, proved.stderr


def test_under_the_same_faults_the_usual_way_loses_and_the_stories_do_not() -> None:
    proved = python("-m", "proof.control", "--lives", "100", "--processes", "1")

    assert proved.returncode == 0, proved.stdout + proved.stderr
    ours = next(x for x in proved.stdout.splitlines() if "the stories" in x)
    theirs = next(x for x in proved.stdout.splitlines() if "nightly job" in x)
    assert [cell.strip() for cell in ours.split("│")[3:8]] == ["0"] * 5
    assert int(theirs.split("│")[3]) > 0
