"""A full disk under PostgreSQL: refused, nothing half kept, right again with room.

The disk is a small one in a mount namespace of its own, which needs root.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEGABYTES = 128


def _may_mount() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0:
        return False
    tried = subprocess.run(
        [unshare, "--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"],
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


pytestmark = [
    pytest.mark.skipif(
        "ECHEANCE_LONG_FAULTS" not in os.environ, reason="half a minute: make prove"
    ),
    pytest.mark.skipif(
        not _may_mount(), reason="a small disk needs root and a mount namespace"
    ),
]


def _on_a_small_disk(folder: Path, what: str) -> subprocess.CompletedProcess[str]:
    """Run a part of tests.faults.small_disk where little fits."""
    disk = folder / f"disk-{what}"
    disk.mkdir(mode=0o755)
    mount = f"mount -t tmpfs -o size={MEGABYTES}m,mode=0755 tmpfs {disk}"
    run = f"exec {sys.executable} -m tests.faults.small_disk {what} {disk}"
    return subprocess.run(
        ["unshare", "--mount", "sh", "-ec", f"{mount}; {run}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk_under_postgresql_loses_and_halves_nothing(
    open_folder: Path,
) -> None:
    ended = _on_a_small_disk(open_folder, "postgresql")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "kept before: 1, refused: yes, kept after: 2" in ended.stdout


def test_a_full_disk_under_temporal_loses_nothing_it_acknowledged(
    open_folder: Path,
) -> None:
    ended = _on_a_small_disk(open_folder, "temporal")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "lost: 0" in ended.stdout
