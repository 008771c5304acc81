"""A test session ends with pytest's own exit code, its summary printed."""

import subprocess
import sys
from pathlib import Path

import pytest

from embedded.places import CHECKOUT

SESSION = """
import atexit, pathlib
atexit.register(pathlib.Path(__file__).with_name("ended-slowly").touch)

def test_good(): pass

def test_bad(): assert {bad}
"""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(("bad", "code"), [("False", 1), ("True", 0)])
def test_a_session_ends_at_once_with_its_own_code(
    tmp_path: Path, workers: str, bad: str, code: int
) -> None:
    (tmp_path / "test_it.py").write_text(SESSION.format(bad=bad))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    answer = subprocess.run(
        (
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest"),
            *("-n", workers, "-c", tmp_path / "pytest.ini", tmp_path),
        ),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == code, answer.stdout
    summary = answer.stdout.splitlines()[-1]
    assert ("1 failed, 1 passed" if code else "2 passed") in summary
    # The interpreter's own end, in which it can crash, was not waited for.
    assert not (tmp_path / "ended-slowly").exists()
