"""The same histories, lived by the real workflow and its real effects."""

import pytest

from tests.proof.test_proof import run

LIVES = 10
"""As many as fit beside the histories kept; `make prove` lives 300."""


@pytest.mark.timeout(600)
def test_every_history_kept_and_some_drawn_pass_under_real_workflows() -> None:
    """Every planted bug is found first, in the process that then has lives lived."""
    asked = ("--layer", "workflow", "--plants", "--lives", str(LIVES))
    proved = run("proof", *asked, "--processes", "1")

    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert "8 bugs planted under real workflows, 0 missed" in proved.stdout
    assert ", 0 lives wrong" in proved.stdout
