"""The services of docker-compose.yml agree with the code, as far as text can show."""

import re
from typing import Any

import pytest
import yaml
from typer.main import get_command

from cli import app
from embedded.places import CHECKOUT
from embedded.temporal import SEARCH_ATTRIBUTES
from settings import Settings, settings_from

TEXT = (CHECKOUT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCUMENTED = (CHECKOUT / "docs" / "settings.md").read_text()
OURS = {name for name, each in SERVICES.items() if "echeance:" in each["image"]}


def test_our_services_are_the_four_commands() -> None:
    assert {"migrate", "worker", "api", "intake"} == OURS


@pytest.mark.parametrize("name", SERVICES)
def test_each_variable_of_a_service_is_documented(name: str) -> None:
    for variable in SERVICES[name].get("environment", {}):
        assert f"`{variable}`" in DOCUMENTED, variable
        if name in OURS:
            field = variable.removeprefix("ECHEANCE_").lower()
            assert field in Settings.model_fields


def test_each_value_to_fill_in_is_documented() -> None:
    for variable in re.findall(r"(?<!\$)\$\{(\w+)", TEXT):
        assert f"`{variable}`" in DOCUMENTED, variable


NOT_HANDED_ON = {
    *(
        "embedded",
        "data_dir",
        "secrets_dir",
    ),  # of one machine; named by the file itself
    "brand_dir",  # a folder that the operator mounts, with its variable
    # The relay is the file's own, reached in clear text on its private network.
    *("smtp_username", "smtp_password", "smtp_ca_file", "smtp_connections"),
}


def test_each_setting_can_be_given_to_a_service() -> None:
    handed_on = {
        word.removeprefix("ECHEANCE_").removeprefix("echeance_").lower()
        for name in OURS
        for word in (*SERVICES[name]["environment"], *SERVICES[name]["secrets"])
    }
    assert set(Settings.model_fields) - handed_on == NOT_HANDED_ON - {"secrets_dir"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_service_has_the_secrets_that_all_share(name: str) -> None:
    assert set(COMPOSE["x-service"]["secrets"]) <= set(SERVICES[name]["secrets"])


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_settings_of_a_service_are_accepted(name: str) -> None:
    secrets = {
        "ECHEANCE_DATABASE_URL": "postgresql+psycopg://echeance:x@postgres:5432/it",
        "ECHEANCE_MAIL_KEY": "x",
        "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_eA==",
    }
    given = {
        variable: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        for variable, value in SERVICES[name]["environment"].items()
    }
    assert {secret.lower() for secret in secrets} <= set(SERVICES[name]["secrets"])
    settings = settings_from(given | secrets)
    assert not settings.embedded
    assert settings.temporal_namespace == "echeance"


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_command_of_a_service_exists(name: str) -> None:
    script, *words = SERVICES[name]["command"]
    if script == "worker.py":
        assert words == []
        return
    assert script == "cli.py"
    command: Any = get_command(app)
    for word in words:
        command = command.commands[word]


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_is_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", image), image
    assert "auto-setup" not in image


@pytest.mark.parametrize("name", SERVICES)
def test_each_lasting_service_says_when_it_is_healthy(name: str) -> None:
    service = SERVICES[name]
    if service["restart"].startswith("on-failure"):
        # It ends; who waits for it waits for its end.
        waiting = [
            each["depends_on"][name]["condition"]
            for each in SERVICES.values()
            if name in each.get("depends_on", {})
        ]
        assert waiting
        assert set(waiting) == {"service_completed_successfully"}
    else:
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_exists_and_can_become_true(name: str) -> None:
    for other, asked in SERVICES[name].get("depends_on", {}).items():
        ends = SERVICES[other]["restart"].startswith("on-failure")
        wanted = "service_completed_successfully" if ends else "service_healthy"
        assert asked == {"condition": wanted}, other


@pytest.mark.parametrize("name", SERVICES)
def test_each_secret_is_declared_as_a_documented_file(name: str) -> None:
    for secret in SERVICES[name].get("secrets", []):
        file = COMPOSE["secrets"][secret]["file"]
        assert file == f"./secrets/{secret}"
        assert f"`secrets/{secret}`" in DOCUMENTED
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"PASSWORD|_PWD|_KEY|SECRET$", variable):
            assert str(value).startswith("/run/secrets/"), variable


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_beyond_this_machine(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")
        assert not port.endswith(":7233")


def test_temporal_is_given_the_same_search_attributes_and_fixed_shards() -> None:
    (script,) = SERVICES["temporal-namespace"]["command"]
    pairs = dict(re.findall(r"(\w+):(Keyword|Datetime|Bool)", script))
    assert pairs == SEARCH_ATTRIBUTES
    assert int(SERVICES["temporal"]["environment"]["NUM_HISTORY_SHARDS"]) > 0


def test_each_volume_is_declared() -> None:
    used = {
        volume.partition(":")[0]
        for each in SERVICES.values()
        for volume in each.get("volumes", [])
    }
    assert used == set(COMPOSE["volumes"])


def test_the_image_installs_by_hash_from_wheels_and_is_not_root() -> None:
    text = (CHECKOUT / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert "--only-binary :all:" in text
    assert re.search(r"^USER echeance$", text, re.MULTILINE)
    assert ":latest" not in text
