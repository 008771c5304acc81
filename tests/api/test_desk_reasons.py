"""Every reason for which work falls to a person has its title and what to do."""

import ast
from collections.abc import Iterator
from pathlib import Path

from api.pages.words import words
from intake.matching import Unclear
from workflows.messages import Posted

ROOT = Path(__file__).parents[2]
OPENING = {
    "give_to_a_person",
    "give_letter_to_a_person",
    "with_staff",
    "_open_aside",
    "_give_to_a_person",
}
# Whose end is how a sending ended: the code only has their beginning. And what a
# provider alone can tell.
BEGINNING, COMPOSED = (
    "letter_",
    {f"letter_{how}" for how in Posted if how not in {Posted.ACCEPTED, Posted.SKIPPED}}
    | {"dispute_won"},
)


def the_nodes() -> Iterator[ast.AST]:
    for folder in ("workflows", "activities", "intake"):
        for file in (ROOT / folder).glob("*.py"):
            yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def reasons_in(node: ast.AST) -> Iterator[ast.expr | None]:
    """Yield the expressions of a node that name a reason."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            yield from (each.value for each in node.keywords if each.arg == "reason")
            if name in OPENING:
                yield from node.args
        case ast.FunctionDef(name="_trouble_with_payment"):
            inside = ast.walk(node)
            yield from (each.value for each in inside if isinstance(each, ast.Return))
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            yield from (
                value
                for key, value in pairs
                if isinstance(key, ast.Constant) and key.value == "reason"
            )


def given() -> set[str]:
    """Collect every reason that the code gives: a text among what names one."""
    return {
        leaf.value
        for node in the_nodes()
        for named in reasons_in(node)
        if named is not None
        for leaf in ast.walk(named)
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and leaf.value
    }


def said(part: str) -> set[str]:
    """Name the reasons that have a sentence of this part of the desk's."""
    before = f"desk.{part}_"
    return {key.removeprefix(before) for key in words() if key.startswith(before)}


def test_each_reason_has_a_title_and_what_to_do_and_no_other_has() -> None:
    reasons = (given() - {BEGINNING}) | set(Unclear) | COMPOSED
    assert len(reasons) > 30
    assert said("reason") == said("do") == reasons | {"other"}
