"""What `make cluster` is made of, as far as it can be seen without Go."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from cluster import building
from cluster.building import BuildError, Built, built
from cluster.cards import Account, provider_app
from cluster.compose import (
    environment_of,
    questions_of,
    script_of,
    services,
    tries_of,
    version_of,
)
from cluster.database import Database
from cluster.stack import Cluster
from cluster.stories import FAULTS
from cluster.temporal import NODES, ROLES, Server
from embedded.standin import anybody, persona_of
from payments.events import Captured
from payments.provider import SessionOrder, SessionState
from payments.stripe import Stripe
from rules.numbers import DossierNumber
from tests.api.doors import a_port
from tests.api.providers import served_on
from tests.payments.listening import Heard, listening

A_GO = """#!/bin/sh
echo "$1 $2" >>"{folder}/asked"
case "$1" in
mod) echo '{{"Dir": "{folder}/module"}}' ;;
build) echo built >"$4" ;;
esac
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program in the place of Go; give the file of what it was asked."""
    (tmp_path / "module/schema/postgresql/v12/visibility").mkdir(parents=True)
    (tmp_path / "go").write_text(A_GO.format(folder=tmp_path))
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("ECHEANCE_CLUSTER_DIR", str(tmp_path / "kept"))
    return tmp_path / "asked"


def test_the_version_of_the_compose_file_is_built_once(go: Path) -> None:
    said: list[str] = []
    first = built(said.append)
    assert first.version == version_of("temporal") == version_of("temporal-schema")
    assert first.is_there
    assert (first.schema / "visibility").is_dir()
    assert go.read_text().splitlines() == ["mod download"] + ["build -trimpath"] * 2
    assert built(said.append) == first
    assert len(go.read_text().splitlines()) == 3
    assert "built before" in said[-1]


def test_a_build_that_fails_leaves_nothing_that_looks_built(go: Path) -> None:
    script = go.with_name("go")
    script.write_text(script.read_text().replace("echo built", "exit 2; echo"))
    with pytest.raises(BuildError, match="temporal-server was not built"):
        built(print)
    assert not Built(version_of("temporal"), building.home()).is_there


def test_the_build_is_kept_outside_the_checkout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ECHEANCE_CLUSTER_DIR", raising=False)
    checkout = Path(building.__file__).resolve().parents[1]
    assert checkout not in building.home().resolve().parents


# ----------------------------------------------------------------- the compose file


def test_a_variable_that_a_service_is_not_given_cannot_be_changed() -> None:
    changed = {"ECHEANCE_SIGNING_KEY_FILE": "here"}
    assert environment_of("worker", {}, changed).items() >= changed.items()
    with pytest.raises(KeyError, match="api is not given ECHEANCE_SIGNING_KEY_FILE"):
        environment_of("api", {}, changed)


def test_a_script_that_says_something_else_is_not_run() -> None:
    schema = script_of("temporal-schema", {"-p 5432": "-p 1"})
    assert "$tool update-schema" in schema
    assert "-p 1 " in schema
    with pytest.raises(KeyError, match="does not say nothing like it"):
        script_of("temporal-schema", {"nothing like it": ""})


def test_what_ends_by_itself_is_tried_as_often_as_the_file_says() -> None:
    assert tries_of("migrate") == 7
    assert tries_of("worker") == 1


# ------------------------------------------------------------------------- the parts


@pytest.fixture
def laid_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Lay out a cluster of which nothing is started."""
    monkeypatch.setattr("cluster.installation.system_binaries", lambda: tmp_path)
    monkeypatch.setattr("cluster.installation.postgres_binaries", lambda: tmp_path)
    monkeypatch.setattr("cluster.installation.postgres_home", lambda folder: folder)
    cluster = Cluster(Built("1.0", tmp_path / "built"), tmp_path / "run")
    cluster.lay_out()
    return cluster


def test_two_processes_of_each_role_differ_by_their_address_alone(
    laid_out: Cluster,
) -> None:
    server: Server = laid_out.server
    programs = server.programs()
    assert len(programs) == len(ROLES) * len(NODES)
    for role in ROLES:
        one, two = (dict(programs[f"temporal-{role}-{n}"].environment) for n in (1, 2))
        differ = {name for name in one if one[name] != two[name]}
        assert differ == {"BIND_ON_IP", "TEMPORAL_BROADCAST_ADDRESS"}
        assert one["TEMPORAL_SERVICES"] == role
        told = services()["temporal"]["environment"]
        assert one["NUM_HISTORY_SHARDS"] == told["NUM_HISTORY_SHARDS"]
    numbers = [port for pair in server.ports.values() for port in pair]
    assert len({*numbers, server.http_port}) == 2 * len(ROLES) + 1


def test_the_product_is_set_up_for_production(laid_out: Cluster) -> None:
    settings = laid_out.settings()
    assert not settings.embedded
    assert not settings.allow_clear_text_network
    assert settings.payment_provider == "stripe"
    assert settings.decision_acr == "eleve"
    asked = set().union(*(questions_of(each) for each in ("worker", "api", "intake")))
    assert set(laid_out.answers()) <= asked


def test_each_secret_of_the_compose_file_is_made(laid_out: Cluster) -> None:
    made = {file.name for file in (laid_out.folder / "secrets").iterdir()}
    for service in services().values():
        for secret in service.get("secrets", []):
            assert secret in made or secret == "echeance_imap_password"
    assert set(json.loads(laid_out.secret("echeance_tokens"))) == {
        *("exam_body", "register", "operator")
    }


def test_the_scripts_bear_no_name_of_the_compose_files_network(
    laid_out: Cluster,
) -> None:
    server = laid_out.server
    schema = server.schema(laid_out.folder / "word").command[-1]
    assert "/run/secrets" not in schema
    assert "/etc/temporal" not in schema
    assert "temporal-postgres" not in schema
    namespace = server.namespace("bench-cost")
    assert "-n bench-cost" in namespace.command[-1]
    assert namespace.environment["TEMPORAL_ADDRESS"] == server.frontend(0)


def test_a_database_gets_what_the_compose_file_gives_it(tmp_path: Path) -> None:
    database = Database("temporal-postgres", tmp_path, 5, "word", tmp_path)
    asked = services()["temporal-postgres"]["command"][1:]
    assert " ".join(asked) in " ".join(database.program().command)


def test_the_faults_are_those_of_the_page() -> None:
    page = (Path(building.__file__).parents[1] / "docs" / "cluster.md").read_text()
    assert [name for name in FAULTS if f"| {name} |" not in page] == []


# --------------------------------------------------------------------- the stand-ins


def test_only_a_person_can_be_anybody() -> None:
    assert persona_of("personne", "somebody") is None
    somebody = anybody("personne", "somebody")
    assert somebody is not None
    assert somebody.groups == ()
    assert anybody("office", "somebody") is None
    denis = anybody("office", "denis")
    assert denis is not None
    assert "decideurs" in denis.groups


@pytest.fixture
async def told() -> AsyncIterator[Heard]:
    async with listening() as heard:
        yield heard


async def test_the_stand_in_for_stripe_is_one_to_the_product(told: Heard) -> None:
    at = datetime(2027, 3, 1, 12, tzinfo=UTC)
    order = SessionOrder(
        session_id="ps_1",
        dossier=DossierNumber("CAR202600000001"),
        invoice_id="CAR202600000001-1",
        invoice_number="F-2026-000001",
        amount_cents=18500,
        expires_at=at + timedelta(hours=1),
        return_url="https://echeance.example/fr/paiement/ps_1",
    )
    async with a_port() as port:
        base = f"http://127.0.0.1:{port.getsockname()[1]}"
        account = Account(base, "key", "whsec_one", [told.url])
        stripe = Stripe(api_key="key", webhook_keys=["whsec_one"], api_url=base)
        async with served_on(provider_app(account), port), httpx2.AsyncClient() as http:
            begun = await stripe.create_session(order)
            assert begun == await stripe.create_session(order)
            assert begun.state is SessionState.OPEN
            assert begun.pay_url is not None
            for _ in range(2):
                await http.post(begun.pay_url, params={"at": int(at.timestamp())})
            [paid] = await stripe.sessions_since(at - timedelta(days=365))
            assert paid.state is SessionState.PAID
            assert paid.payment is not None
            await told.until(1)
            message = told.requests[0]
            given = await stripe.refund(
                paid.payment.payment_id, amount_cents=500, key="one"
            )
            assert given == await stripe.refund(
                paid.payment.payment_id, amount_cents=500, key="one"
            )
            await asyncio.gather(*account.messages)
    event = stripe.verify_webhook(message.body, message.headers).event
    assert isinstance(event, Captured)
    assert event.captured_at == at
    assert event.invoice_id == order.invoice_id
    assert len(told.requests) == 2
