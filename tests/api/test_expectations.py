"""What people expect: thirty things, each with a page that exists."""

import re
from pathlib import Path

from api.app import create_app
from embedded.places import CHECKOUT
from tests.api.doors import the_settings
from tests.api.knocking import plain, routes_of

TEXT = (CHECKOUT / "docs" / "expectations.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$", TEXT, re.MULTILINE)


def test_there_are_thirty_each_ticked_and_somewhere() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 31))
    for number, _expected, ticked, where in ROWS:
        assert ticked.startswith(("yes", "partly: ", "no: ")), number
        assert where.strip(), number


def test_every_page_and_file_named_exists(tmp_path: Path) -> None:
    settings = the_settings(
        "postgresql+psycopg://nobody@127.0.0.1:1/none", tmp_path, ""
    )
    known = {f"{m} {plain(path)}" for m, path in routes_of(create_app(settings))}
    named = set(re.findall(r"`((?:GET|POST) [^`]+)`", TEXT))
    assert len(named) > 20
    assert named <= known
    for file in re.findall(r"`([a-z]+/[\w/.]*)`", TEXT):
        assert (CHECKOUT / file).exists(), file
