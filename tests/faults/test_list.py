"""The list of faults names tests that exist, for enough of them."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = ROOT / "docs" / "faults.md"
MANY = 78
AT_LEAST = 65

_ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
_NODE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def named_in(file: Path) -> frozenset[str]:
    """Name the tests of a file."""
    tree = ast.parse(file.read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(x.name for x in tree.body if isinstance(x, functions))


def rows() -> list[tuple[int, str]]:
    found = _ROW.findall(LIST.read_text("utf-8"))
    return [(int(number), tests) for number, _, _, tests in found]


def test_every_fault_is_listed_once_in_order() -> None:
    assert [number for number, _ in rows()] == list(range(1, MANY + 1))


def test_every_test_that_the_list_names_exists() -> None:
    named = {node for _, tests in rows() for node in _NODE.findall(tests)}
    lost = [
        f"{file}::{name}"
        for file, name in sorted(named)
        if not (ROOT / file).exists() or name not in named_in(ROOT / file)
    ]
    assert lost == []


def test_enough_faults_are_automated_and_the_others_say_why_not() -> None:
    by_hand = {n for n, tests in rows() if tests.startswith("not automated: ")}
    automated = {n for n, tests in rows() if _NODE.search(tests)} - by_hand
    assert len(automated) >= AT_LEAST
    assert automated | by_hand == set(range(1, MANY + 1))
