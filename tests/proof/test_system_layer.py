"""The same histories on the whole stack, whose processes are killed meanwhile."""

import os

import pytest

from tests.proof.test_proof import run

LIVES = 2
"""A first look; `make prove` lives 20."""

pytestmark = [
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        "ECHEANCE_LONG_FAULTS" not in os.environ, reason="a minute or more: make prove"
    ),
]


def test_lives_under_kills_end_as_they_must_and_the_sweep_finds_nothing() -> None:
    proved = run("proof", "--layer", "system", "--lives", str(LIVES))

    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert f"{LIVES} lives on the whole system" in proved.stdout
