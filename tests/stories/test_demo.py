"""The four stories of the demo on real parts, and what Temporal saw of them."""

from pathlib import Path

import pytest

from activities.reconciling import reconcile_once
from embedded.demo import play
from embedded.stack import EmbeddedStack

PERSONAL = ("Tremblay", "Benali", "Gagnon", "courriel.example", "Recouvrement")


@pytest.mark.xdist_group("stack")
@pytest.mark.timeout(300)
async def test_the_four_stories_go_as_they_must_and_temporal_learns_no_name(
    stack: EmbeddedStack, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await play(stack.settings)

    shown = capsys.readouterr().out
    assert code == 0, shown
    assert shown.count("CERTIFICATE ISSUED") == 1
    assert shown.count("CERTIFICATE RENEWED") == 2
    # Clocks moved by years make no check believe that something is amiss.
    report = await reconcile_once(stack.settings)
    assert (report.findings, report.skipped) == ((), ())
    kept_by_temporal = everything_in(stack.data_dir / "temporal")
    # What is looked for would be found: dossiers are there, by number.
    assert b"to_finalize" in kept_by_temporal
    assert [word for word in PERSONAL if word.encode() in kept_by_temporal] == []


def everything_in(folder: Path) -> bytes:
    """Read every file of a folder, as one."""
    return b"".join(f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file())
