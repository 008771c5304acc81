"""Each setting is documented, and a wrong one is one sentence that names it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.parts import stack_environment
from embedded.places import CHECKOUT
from embedded.ports import VARIABLES, Ports
from settings import Settings, SettingsError, settings_from, without_secrets

DOCUMENTED = (CHECKOUT / "docs" / "settings.md").read_text()
REQUIRED = {
    "ECHEANCE_DATABASE_URL": "postgresql+psycopg://who:hidden-word@127.0.0.1:5432/it",
    "ECHEANCE_MAIL_KEY": "hidden-key",
    "ECHEANCE_PAYMENT_WEBHOOK_SECRET": "whsec_aGlkZGVu",
}


def cli(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ECHEANCE_")
    }
    return subprocess.run(
        (sys.executable, "cli.py", "settings", "--data-dir", "/nowhere"),
        cwd=CHECKOUT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_is_documented_with_its_own_words(name: str) -> None:
    row = re.search(rf"^\| `ECHEANCE_{name.upper()}` \|.*$", DOCUMENTED, re.MULTILINE)
    assert row, name
    assert str(Settings.model_fields[name].description) in row[0]


def test_nothing_is_documented_that_does_not_exist() -> None:
    known = {f"ECHEANCE_{name.upper()}" for name in Settings.model_fields}
    known |= {*VARIABLES.values(), "ECHEANCE_PORTS"}
    assert set(re.findall(r"ECHEANCE_[A-Z_]+[A-Z]", DOCUMENTED)) == known


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_secret_is_named_in_one_sentence(missing: str) -> None:
    rest = {name: value for name, value in REQUIRED.items() if name != missing}
    answer = cli(rest)
    assert answer.returncode == 2
    assert answer.stdout.startswith(f"{missing} is missing:")
    assert len(answer.stdout.splitlines()) == 1
    assert answer.stderr == ""


def test_secrets_are_read_from_files_and_never_printed(tmp_path: Path) -> None:
    for name, value in REQUIRED.items():
        (tmp_path / name.lower()).write_text(f"{value}\n")
    answer = cli({"ECHEANCE_SECRETS_DIR": str(tmp_path)})
    assert answer.returncode == 0
    assert "who:**********@127.0.0.1" in answer.stdout
    assert "hidden" not in answer.stdout
    assert "aGlkZGVu" not in answer.stdout
    settings = settings_from(REQUIRED)
    assert "hidden" not in repr(settings) + str(without_secrets(settings))


def test_a_missing_folder_of_secrets_is_named() -> None:
    answer = cli({"ECHEANCE_SECRETS_DIR": "/nowhere/at/all"})
    assert answer.returncode == 2
    assert "/nowhere/at/all" in answer.stdout


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ECHEANCE_SMTP_PORT", "mail"),
        ("ECHEANCE_SMTP_TLS", "perhaps"),
        ("ECHEANCE_MAIL_PER_MINUTE", "0"),
        ("ECHEANCE_DATABASE_URL", "sqlite:///x"),
    ],
)
def test_a_wrong_setting_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        settings_from({**REQUIRED, variable: value})


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("ECHEANCE_TEMPORAL_ADDRESS", "temporal.example:7233"),
        ("ECHEANCE_API_HOST", "0.0.0.0"),
    ],
)
def test_a_clear_text_address_beyond_this_machine_needs_a_word(
    variable: str, address: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        settings_from({**REQUIRED, variable: address})
    said = {**REQUIRED, variable: address, "ECHEANCE_ALLOW_CLEAR_TEXT_NETWORK": "true"}
    assert settings_from(said).allow_clear_text_network


MAILBOX = {
    "ECHEANCE_IMAP_HOST": "courriel.example",
    "ECHEANCE_IMAP_USERNAME": "bureau",
    "ECHEANCE_IMAP_PASSWORD": "hidden-word",
}


def test_a_mailbox_in_clear_text_must_be_on_this_machine_or_a_private_network() -> None:
    clear = {**REQUIRED, **MAILBOX, "ECHEANCE_IMAP_TLS": "none"}
    with pytest.raises(SettingsError, match="ECHEANCE_IMAP_HOST"):
        settings_from(clear)
    assert settings_from({**clear, "ECHEANCE_IMAP_HOST": "127.0.0.1"}).imap_host
    assert settings_from({**clear, "ECHEANCE_ALLOW_CLEAR_TEXT_NETWORK": "true"})
    assert settings_from({**REQUIRED, **MAILBOX}).imap_tls == "implicit"


@pytest.mark.parametrize(
    "missing", ["ECHEANCE_IMAP_USERNAME", "ECHEANCE_IMAP_PASSWORD"]
)
def test_a_mailbox_without_its_account_is_refused_at_start(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        settings_from({**REQUIRED, **MAILBOX, missing: ""})


@pytest.mark.parametrize(
    ("told", "keys"),
    [
        ("", ()),
        ("whsec_dGVzdHM=", (b"tests",)),
        ("whsec_dGVzdHM", (b"tests",)),
        ("whsec_dGVzdHM=, whsec_bmV3", (b"tests", b"new")),
    ],
)
def test_the_keys_for_mail_are_one_or_two_or_none(
    told: str, keys: tuple[bytes, ...]
) -> None:
    settings = settings_from({**REQUIRED, "ECHEANCE_MAIL_WEBHOOK_SECRET": told})
    assert settings.mail_webhook_keys() == keys


@pytest.mark.parametrize(
    "told", ["whsec_é", "whsec_", "whsec_dGVzdHM=,", "whsec_YQ==,whsec_Yg==,whsec_Yw=="]
)
def test_keys_for_mail_that_are_no_keys_are_refused_at_start(told: str) -> None:
    with pytest.raises(SettingsError, match="ECHEANCE_MAIL_WEBHOOK_SECRET"):
        settings_from({**REQUIRED, "ECHEANCE_MAIL_WEBHOOK_SECRET": told})


def test_the_stack_sets_only_settings_that_exist(tmp_path: Path) -> None:
    known = {f"ECHEANCE_{name.upper()}" for name in Settings.model_fields}
    assert stack_environment(tmp_path, Ports.free()).keys() <= known


def test_no_officer_decides_beyond_one_machine_until_the_proof_is_named() -> None:
    staff = {**REQUIRED, "ECHEANCE_SIGN_IN_STAFF_ISSUER": "https://staff.example"}
    with pytest.raises(SettingsError, match="ECHEANCE_SIGN_IN_STAFF_DECISION_ACR"):
        settings_from(staff)
    named = {"ECHEANCE_SIGN_IN_STAFF_DECISION_ACR": "eleve"}
    assert settings_from(staff | named).decision_acr == "eleve"
    any_of_them = {"ECHEANCE_SIGN_IN_STAFF_DECISION_ACR": "any"}
    assert settings_from(staff | any_of_them).decision_acr is None
    assert settings_from(staff | {"ECHEANCE_EMBEDDED": "true"}).decision_acr is None


def test_the_keys_of_temporal_are_named_and_the_first_is_in_use() -> None:
    told = f"new={'A' * 43}=, old={'B' * 43}="
    keys = settings_from({**REQUIRED, "ECHEANCE_TEMPORAL_KEYS": told})
    assert [*keys.keys_for_temporal()] == ["new", "old"]
    assert {len(key) for key in keys.keys_for_temporal().values()} == {32}
    assert settings_from(REQUIRED).keys_for_temporal() == {}


@pytest.mark.parametrize(
    "told",
    [
        "A" * 43 + "=",
        "a=",
        "a=QUJD",
        "=" + "A" * 43 + "=",
        "a=*",
        "a,b",
        ",".join(["a=" + "A" * 43 + "="] * 2),
    ],
)
def test_keys_of_temporal_that_are_no_keys_are_refused_at_start(told: str) -> None:
    with pytest.raises(SettingsError, match="ECHEANCE_TEMPORAL_KEYS") as refused:
        settings_from({**REQUIRED, "ECHEANCE_TEMPORAL_KEYS": told})
    assert "AAAA" not in str(refused.value)
