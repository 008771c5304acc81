"""What stands in the way of a start is one sentence that says what to do."""

import os
import socket
import string
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.checks import troubles
from embedded.places import CHECKOUT
from embedded.ports import LOOPBACK, VARIABLES, PortError, Ports
from embedded.record import held
from embedded.sentences import SENTENCES

WELL = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "", "ECHEANCE_PORTS": "auto"}


def cli(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "cli.py", *arguments),
        cwd=CHECKOUT,
        env=environment or WELL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_is_wrong_in_a_fresh_folder_and_nothing_is_created(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "deep" / "var"
    assert troubles(data_dir, Ports.free()) == []
    assert not data_dir.parent.exists()


def test_a_busy_port_is_named_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    ports = Ports.free()
    with socket.create_server((LOOPBACK, ports.inbox)):
        (found,) = troubles(tmp_path, ports)
    assert str(ports.inbox) in found
    assert "ECHEANCE_INBOX_PORT=" in found


def test_a_full_disk_is_named_with_what_is_needed(tmp_path: Path) -> None:
    (found,) = troubles(tmp_path, Ports.free(), least_free_mb=10**12)
    assert str(tmp_path) in found
    assert "ECHEANCE_DATA_DIR=" in found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (found,) = troubles(tmp_path / "var", Ports.free())
    assert str(tmp_path) in found


def test_a_missing_program_is_named(
    tmp_path: Path,
) -> None:
    answer = cli(
        *("doctor", "--data-dir", str(tmp_path)),
        environment={**WELL, "TEMPORAL_BIN": str(tmp_path / "temporal")},
    )
    assert answer.returncode == 1
    assert str(tmp_path / "temporal") in answer.stdout
    assert len(answer.stdout.splitlines()) == 1


def test_doctor_says_that_all_is_well_in_the_language_of_the_terminal(
    tmp_path: Path,
) -> None:
    asked = ("doctor", "--data-dir", str(tmp_path))
    english = cli(*asked)
    french = cli(*asked, environment={**WELL, "LANG": "fr_CA.UTF-8"})
    assert (english.returncode, french.returncode) == (0, 0)
    assert english.stdout == "All is well.\n"
    assert french.stdout == "Tout est en ordre.\n"


def test_doctor_does_not_mind_the_ports_of_the_stack_that_runs_here(
    tmp_path: Path,
) -> None:
    asked = ("doctor", "--data-dir", str(tmp_path))
    with socket.create_server((LOOPBACK, 0)) as holder:
        port = str(holder.getsockname()[1])
        own = {**WELL, "ECHEANCE_PORTS": "fixed", "ECHEANCE_API_PORT": port}
        assert port in cli(*asked, environment=own).stdout


def test_a_port_that_is_no_port_is_refused_in_a_sentence() -> None:
    with pytest.raises(PortError, match="ECHEANCE_API_PORT=http"):
        Ports.from_environment({"ECHEANCE_API_PORT": "http"})
    with pytest.raises(PortError, match="99999"):
        Ports.from_environment({"ECHEANCE_SMTP_PORT": "99999"})


def test_each_port_can_be_moved() -> None:
    moved = {variable: str(port) for port, variable in enumerate(VARIABLES.values(), 9)}
    ports = Ports.from_environment(moved).as_dict()
    assert {VARIABLES[name]: str(port) for name, port in ports.items()} == moved


def test_free_ports_differ_and_are_not_those_that_clients_get() -> None:
    ports = Ports.free().as_dict().values()
    assert len(set(ports)) == len(ports)
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if given.exists():
        assert max(ports) < int(given.read_text().split()[0])


def test_a_reset_refuses_while_the_folder_is_held_and_then_forgets(
    tmp_path: Path,
) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "mine.txt").write_text("not ours to remove")
    with held(tmp_path):
        refused = cli("reset", "--data-dir", str(tmp_path))
    assert refused.returncode == 1
    assert (tmp_path / "inbox").exists()
    assert cli("reset", "--data-dir", str(tmp_path)).returncode == 0
    assert not (tmp_path / "inbox").exists()
    assert (tmp_path / "mine.txt").exists()


def test_each_sentence_says_the_same_things_in_both_languages() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for key, (in_french, in_english) in SENTENCES.items():
        assert in_french, key
        assert fields(in_french) == fields(in_english), key
