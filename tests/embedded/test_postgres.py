"""The cluster starts, survives, adopts and refuses, as root too."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from embedded.places import CHECKOUT, forget, make_data_dir, postgres_home
from embedded.ports import LOOPBACK, PortError, Ports
from embedded.postgres import Cluster
from embedded.processes import Account, Running, is_alive


@pytest.fixture
def closed_folder(tmp_path: Path) -> Iterator[Path]:
    """Give a data folder in a folder that other accounts cannot enter."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    data_dir = make_data_dir(closed / "var")
    yield data_dir
    forget(data_dir)


@pytest.fixture
def ready(closed_folder: Path) -> Iterator[tuple[Cluster, Running]]:
    cluster = Cluster(closed_folder, Ports.free().postgres, secrets.token_hex(8))
    cluster.prepare()
    running = cluster.start()
    cluster.wait_ready(running)
    cluster.create_database()
    yield cluster, running
    running.stop()


def query(cluster: Cluster, statement: bytes) -> list[tuple[object, ...]]:
    address = cluster.url().replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_cluster_in_a_closed_folder_serves_durably_on_loopback_only(
    ready: tuple[Cluster, Running],
) -> None:
    cluster, _ = ready
    rows = query(
        cluster,
        b"SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses',"
        b" 'fsync', 'synchronous_commit', 'TimeZone', 'password_encryption')",
    )
    assert dict(rows) == {  # type: ignore[arg-type]  # two columns, by the query
        "listen_addresses": LOOPBACK,
        "fsync": "on",
        "synchronous_commit": "on",
        "TimeZone": "UTC",
        "password_encryption": "scram-sha-256",
    }


def test_committed_rows_survive_a_kill_of_the_server(
    ready: tuple[Cluster, Running],
) -> None:
    cluster, running = ready
    query(cluster, b"CREATE TABLE kept (n int)")
    query(cluster, b"INSERT INTO kept SELECT generate_series(1, 500)")
    running.signal(signal.SIGKILL)
    assert running.wait(10)
    again = cluster.start()
    try:
        cluster.wait_ready(again)
        assert query(cluster, b"SELECT count(*) FROM kept") == [(500,)]
    finally:
        again.stop()


def test_a_live_server_is_adopted_and_not_started_twice(
    ready: tuple[Cluster, Running],
) -> None:
    cluster, running = ready
    assert cluster.start().pid == running.pid


def test_a_stop_is_fast_while_a_client_is_connected(
    ready: tuple[Cluster, Running],
) -> None:
    cluster, running = ready
    address = cluster.url().replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        running.signal(running.stop_signal)
        assert running.wait(10)
        assert running.poll() == 0
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_record_of_a_process_that_is_gone_does_not_stop_a_start(
    ready: tuple[Cluster, Running],
) -> None:
    cluster, running = ready
    record = (cluster.folder / "postmaster.pid").read_text()
    running.stop()
    # The id is in use again, by somebody else: us.
    stale = record.replace(record.splitlines()[0], str(os.getpid()), 1)
    (cluster.folder / "postmaster.pid").write_text(stale)
    again = cluster.start()
    try:
        cluster.wait_ready(again)
    finally:
        again.stop()


def test_an_interrupted_first_start_is_begun_again(closed_folder: Path) -> None:
    unfinished = postgres_home(closed_folder) / "postgres.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    cluster = Cluster(closed_folder, Ports.free().postgres, secrets.token_hex(8))
    cluster.prepare()
    running = cluster.start()
    try:
        cluster.wait_ready(running)
    finally:
        running.stop()


def test_a_busy_port_is_refused_in_one_sentence_that_names_it(
    closed_folder: Path,
) -> None:
    with socket.create_server((LOOPBACK, 0)) as holder:
        port = holder.getsockname()[1]
        cluster = Cluster(closed_folder, port, secrets.token_hex(8))
        cluster.prepare()
        with pytest.raises(PortError, match=rf"{port}.*ECHEANCE_POSTGRES_PORT"):
            cluster.start()


def test_the_server_ends_when_the_process_that_started_it_is_killed(
    closed_folder: Path,
) -> None:
    port, word = Ports.free().postgres, secrets.token_hex(8)
    program = (
        "import sys, pathlib; from embedded.postgres import Cluster;"
        f"c = Cluster(pathlib.Path({str(closed_folder)!r}), {port}, {word!r});"
        "c.prepare(); r = c.start(); c.wait_ready(r); print(r.pid, flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        (sys.executable, "-c", program),
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as launcher:
        assert launcher.stdout is not None
        server = Running(int(launcher.stdout.readline()))
        launcher.kill()
    assert server.wait(10)


def test_the_password_is_asked_for(ready: tuple[Cluster, Running]) -> None:
    cluster, _ = ready
    wrong = cluster.url().replace(cluster.password, "wrong").replace("+psycopg", "")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to go elsewhere")
def test_root_keeps_a_closed_folders_cluster_elsewhere_and_forgets_a_removed_one(
    closed_folder: Path,
) -> None:
    home = postgres_home(closed_folder)
    assert home != closed_folder
    (home / "postgres").mkdir()
    assert postgres_home(closed_folder) == home
    assert (home / "postgres").exists()
    # The checkout is removed, and cloned again in the same place.
    shutil.rmtree(closed_folder)
    make_data_dir(closed_folder)
    assert postgres_home(closed_folder) == home
    assert not (home / "postgres").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become somebody else")
def test_the_server_does_not_run_as_root(ready: tuple[Cluster, Running]) -> None:
    cluster, running = ready
    assert isinstance(cluster.account, Account)
    status = Path(f"/proc/{running.pid}/status").read_text()
    assert f"Uid:\t{cluster.account.uid}\t{cluster.account.uid}" in status
    assert "Groups:\t \n" in status


def test_a_process_that_ended_unreaped_does_not_count_as_alive() -> None:
    child = subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE)
    assert is_alive(child.pid)
    child.kill()
    # WNOWAIT leaves it as it is: a zombie.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(child.pid)
    child.communicate()
