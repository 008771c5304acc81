"""What docker-compose.yml says of a service, with the names of this machine."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from settings import CHECKOUT

FILE = CHECKOUT / "docker-compose.yml"
_FILLED_IN = re.compile(r"(?<!\$)\$\{(\w+):-([^}]*)\}")


@cache
def services() -> dict[str, dict[str, Any]]:
    """Read the services."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
    return found


def version_of(service: str) -> str:
    """Name the version of a service's image, without a "v"."""
    return str(services()[service]["image"]).rpartition(":")[2].removeprefix("v")


def tries_of(service: str) -> int:
    """Say how often a service that ends by itself is started, if it fails."""
    policy = str(services()[service]["restart"])
    return 1 + int(policy.partition("on-failure:")[2] or 0)


def environment_of(
    service: str,
    answers: Mapping[str, str] | None = None,
    changed: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Give a service's variables, filled in from *answers* as from an .env file.

    *changed* are those whose value is a name of the compose file's own network. Raises
    KeyError for one that the service does not have: it would never reach it.
    """
    told, filled = services()[service].get("environment", {}), answers or {}
    given = {
        name: _FILLED_IN.sub(lambda m: filled.get(m[1]) or m[2], str(value))
        for name, value in told.items()
    }
    for name, value in (changed or {}).items():
        if name not in given:
            raise KeyError(f"{service} is not given {name}")
        given[name] = value
    return given


def questions_of(service: str) -> set[str]:
    """Name what an .env file may say to a service."""
    told = services()[service].get("environment", {})
    return {name for value in told.values() for name, _ in _FILLED_IN.findall(value)}


def script_of(service: str, here: Mapping[str, str]) -> str:
    """Give the shell script of a service, as it stands, with the names of *here*.

    Raises KeyError where the script no longer says what *here* replaces.
    """
    (script,) = services()[service]["command"]
    script = script.replace("$$", "$")
    for there, ours in here.items():
        if there not in script:
            raise KeyError(f"the script of {service} does not say {there}")
        script = script.replace(there, ours)
    return str(script)
