"""The four stories of the demo, end to end on real parts."""

import pytest

from embedded.demo import play
from embedded.stack import EmbeddedStack


@pytest.mark.xdist_group("stack")
@pytest.mark.timeout(300)
async def test_the_four_stories_of_the_demo_go_as_they_must(
    stack: EmbeddedStack, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await play(stack.settings)

    shown = capsys.readouterr().out
    assert code == 0, shown
    assert shown.count("CERTIFICATE ISSUED") == 1
    assert shown.count("CERTIFICATE RENEWED") == 2
