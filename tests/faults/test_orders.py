"""Facts told in any order."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_six_facts_told_at_once_end_alike_in_each_of_their_720_orders() -> None:
    """Apart from this process: the stand-in takes Temporal's place in its own."""
    lived = subprocess.run(
        [sys.executable, "-m", "proof.orders"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lived.returncode == 0, lived.stdout + lived.stderr
    assert lived.stdout.startswith("1 ends")
