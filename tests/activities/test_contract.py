"""The effects are those the stories call, under the same names and types."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from temporalio import activity

import activities
from activities.certificates import Certificates
from activities.crashpoints import CRASHPOINTS
from activities.dossiers import Dossiers
from activities.letters import Letters
from workflows import effects

STUBS = dict(inspect.getmembers(effects, inspect.iscoroutinefunction))
DONE: dict[str, Callable[..., Any]] = {
    name: effect
    for owner in (Dossiers, Certificates, Letters)
    for name, effect in inspect.getmembers(owner, inspect.iscoroutinefunction)
    if not name.startswith("_")
}


def test_every_effect_is_done_somewhere_and_nothing_else_is() -> None:
    assert STUBS
    assert DONE.keys() == STUBS.keys()


@pytest.mark.parametrize("name", sorted(STUBS))
def test_an_effect_is_done_as_the_stories_see_it(name: str) -> None:
    seen, done = STUBS[name], DONE[name]
    parameters = [p for p in inspect.signature(done).parameters if p != "self"]
    assert parameters == list(inspect.signature(seen).parameters)
    assert get_type_hints(done) == get_type_hints(seen)
    assert _registered_name(done) == _registered_name(seen) == name


def _registered_name(effect: Callable[..., Any]) -> str | None:
    definition = activity._Definition.from_callable(effect)
    return None if definition is None else definition.name


def test_every_crashpoint_is_listed_and_every_one_listed_is_there() -> None:
    folder = Path(activities.__file__).parent
    code = "\n".join(p.read_text("utf-8") for p in folder.glob("*.py"))
    assert sorted(re.findall(r'crashpoint\("(\w+)"\)', code)) == sorted(CRASHPOINTS)
