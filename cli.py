"""The command line of Échéance: python cli.py --help."""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older one gets a sentence, not a trace
    sys.exit(
        "Python 3.11 ou plus récent est nécessaire. / Python 3.11 or newer is needed."
    )

import asyncio
import inspect
import json
import os
import shutil
import tempfile
import traceback
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from embedded.copying import backup, restore

# What a command needs is imported by the command: `doctor` must answer when
# something is missing.
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from api.pages.clock import Mover
    from api.parts import Parts
    from embedded.ports import Ports
    from rules.numbers import DossierNumber
    from settings import Settings

CHECKOUT = Path(__file__).resolve().parent

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
db = typer.Typer(no_args_is_help=True, help="Tables: migrations.")
app.add_typer(db, name="db")
fees = typer.Typer(no_args_is_help=True, help="Duties: amounts, adopted ahead.")
app.add_typer(fees, name="fees")
agencies = typer.Typer(no_args_is_help=True, help="Agencies: invited to sign in.")
app.add_typer(agencies, name="agencies")
app.command()(backup)
app.command()(restore)
console = Console(highlight=False, soft_wrap=True)

DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir", envvar="ECHEANCE_DATA_DIR", help="Folder of everything kept."
    ),
]
DATA_DIR = CHECKOUT / "var"


class Encoding(StrEnum):
    """How a file of certificates may be written."""

    UTF_8 = "utf-8"
    CP1252 = "cp1252"


PortOption = Annotated[
    "int | None", typer.Option(min=1, max=65535, help="Overrides the default port.")
]


@app.command()
def up(
    data_dir: DataDir = DATA_DIR,
    ports: Annotated[
        str,
        typer.Option(
            envvar="ECHEANCE_PORTS", help="“fixed”, or “auto” for free ports."
        ),
    ] = "fixed",
    demo: Annotated[
        bool, typer.Option(help="Play the demo at the first start.")
    ] = True,
    follow: Annotated[bool, typer.Option(help="Show each part's output.")] = False,
    api_port: PortOption = None,
    inbox_port: PortOption = None,
    smtp_port: PortOption = None,
    lmtp_port: PortOption = None,
    sign_in_port: PortOption = None,
    temporal_port: PortOption = None,
    temporal_ui_port: PortOption = None,
    postgres_port: PortOption = None,
) -> None:
    """Start everything on this machine and stay until Ctrl-C."""
    from embedded.launcher import up as run  # noqa: PLC0415 - late, see above

    chosen = {
        "ECHEANCE_PORTS": ports,
        "ECHEANCE_API_PORT": api_port,
        "ECHEANCE_INBOX_PORT": inbox_port,
        "ECHEANCE_SMTP_PORT": smtp_port,
        "ECHEANCE_LMTP_PORT": lmtp_port,
        "ECHEANCE_SIGN_IN_PORT": sign_in_port,
        "ECHEANCE_TEMPORAL_PORT": temporal_port,
        "ECHEANCE_TEMPORAL_UI_PORT": temporal_ui_port,
        "ECHEANCE_POSTGRES_PORT": postgres_port,
    }
    given = {name: str(value) for name, value in chosen.items() if value is not None}
    wanted = _ports({**os.environ, **given})
    code = asyncio.run(run(data_dir, wanted, demo=demo, follow=follow, says=_say))
    raise typer.Exit(code)


@app.command()
def doctor(data_dir: DataDir = DATA_DIR) -> None:
    """Say what would stand in the way of a start; exits 1 if anything does."""
    from embedded.checks import troubles  # noqa: PLC0415 - late, see above
    from embedded.parts import PARTS  # noqa: PLC0415 - late, see above
    from embedded.record import running_stack  # noqa: PLC0415 - late, see above
    from embedded.sentences import sentence  # noqa: PLC0415 - late, see above

    # The ports of a stack that runs here are taken, and rightly so.
    parts = () if running_stack(data_dir) else PARTS
    found = troubles(data_dir, _ports(os.environ), parts=parts)
    for trouble in found or [sentence("all_well")]:
        _say(trouble)
    raise typer.Exit(1 if found else 0)


@app.command()
def reset(data_dir: DataDir = DATA_DIR) -> None:
    """Forget everything kept on this machine; refuses while it runs."""
    from embedded.places import forget  # noqa: PLC0415 - late, see above
    from embedded.record import AlreadyRunning, held  # noqa: PLC0415 - late, see above
    from embedded.sentences import sentence  # noqa: PLC0415 - late, see above

    removed: list[Path] = []
    try:
        if data_dir.exists():
            with held(data_dir):
                removed = forget(data_dir.resolve())
    except AlreadyRunning as running:
        pid = running.record.pid if running.record else "?"
        _say(sentence("reset_running", pid=pid))
        raise typer.Exit(1) from None
    for path in removed:
        _say(sentence("reset_done", folder=path))
    if not removed:
        _say(sentence("reset_nothing"))


@app.command()
def demo(data_dir: DataDir = DATA_DIR) -> None:
    """Play the story on live parts: those that run here, or its own."""
    from embedded.launcher import join_running_stack  # noqa: PLC0415 - late, see above

    if join_running_stack(data_dir):
        raise typer.Exit(asyncio.run(_play(_settings(data_dir))))
    raise typer.Exit(_play_alone())


@app.command()
def api(data_dir: DataDir = DATA_DIR) -> None:
    """Serve the API until SIGTERM."""
    import uvicorn  # noqa: PLC0415 - late, see above

    from api.app import create_app  # noqa: PLC0415 - late, see above

    settings = _settings(data_dir)
    _call("logs", "log_to", settings.log_format)
    config = uvicorn.Config(
        create_app(settings, _mover() if settings.embedded else None),
        log_config=None,  # its lines are ours, in the one format
        host=settings.api_host,
        port=settings.api_port,
        log_level="info",
        access_log=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    server.run()
    raise typer.Exit(0 if server.started else 1)


@app.command()
def intake(data_dir: DataDir = DATA_DIR) -> None:
    """Take mail until SIGTERM: by LMTP, and from a mailbox if one is set."""
    settings = _settings(data_dir)
    _call("logs", "log_to", settings.log_format)
    _call("intake.serving", "serve", settings)


@app.command()
def reconcile(
    data_dir: DataDir = DATA_DIR,
    once: Annotated[bool, typer.Option(help="One pass, then leave.")] = True,
    rebuild: Annotated[
        bool, typer.Option(help="Begin every story that a lost Temporal forgot.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Compare what was told with what is done: 0 clean, 1 mended, 2 a person's work."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - late, see above

    from activities.reconciling import (  # noqa: PLC0415 - late, see above
        reconcile_once,
    )

    if not once:
        raise typer.BadParameter("the schedule of Temporal does the repeated passes")
    try:
        report = asyncio.run(reconcile_once(_settings(data_dir), rebuild=rebuild))
    except (SQLAlchemyError, OSError, RuntimeError) as away:
        _say(f"The database or Temporal does not answer: {type(away).__name__}.")
        raise typer.Exit(2) from None
    if as_json:
        print(report.model_dump_json())
    else:
        _say(f"{report.checked} looked at, {report.found} found.")
        for found in report.findings:
            _say(f"  {found.check} {found.about}: {found.what} ({found.mend})")
        _say_all([f"  not looked at, {why}" for why in report.skipped])
    raise typer.Exit(report.exit_code)


@app.command()
def seals(data_dir: DataDir = DATA_DIR) -> None:
    """Say how many runs in Temporal need each key of ECHEANCE_TEMPORAL_KEYS."""
    given = _settings(data_dir)
    in_use: Mapping[str, int] = _call("engine", "seals_in_use", given)
    for name in dict.fromkeys((*given.keys_for_temporal(), *in_use)):
        _say(f"{name}: {in_use.get(name, 0)}")


@app.command()
def story(
    number: str,
    data_dir: DataDir = DATA_DIR,
    run: Annotated[
        str | None, typer.Option(help="An earlier run, by its id in Temporal.")
    ] = None,
) -> None:
    """Print what Temporal keeps of a dossier, event by event, opened (UTC)."""
    from temporalio.service import RPCError  # noqa: PLC0415 - late, see above

    from rules.numbers import parse_dossier_number  # noqa: PLC0415 - late, see above

    try:
        dossier = parse_dossier_number(number)
    except ValueError:
        said = f"{number} is no number of a dossier, such as CAR202400012345."
        raise typer.BadParameter(said) from None
    try:
        told = _call("opened", "history_told", _settings(data_dir), dossier, run)
    except (RPCError, RuntimeError) as why:
        _say(f"No history of {dossier}: {why}")
        raise typer.Exit(1) from None
    _say_all(told)


@app.command()
def settings(
    data_dir: DataDir = DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Print the effective settings, secrets covered."""
    from settings import without_secrets  # noqa: PLC0415 - late, see above

    values = without_secrets(_settings(data_dir))
    if as_json:
        print(json.dumps(values, ensure_ascii=False, indent=2))
        return
    for name, value in sorted(values.items()):
        _say(f"{name}={value}")


@db.command()
def upgrade(data_dir: DataDir = DATA_DIR, revision: str = "head") -> None:
    """Bring the tables forward."""
    _call("records.migrations", "upgrade", _settings(data_dir).database_url, revision)


@db.command()
def downgrade(revision: str, data_dir: DataDir = DATA_DIR) -> None:
    """Bring the tables back to REVISION."""
    _call("records.migrations", "downgrade", _settings(data_dir).database_url, revision)


@db.command()
def current(data_dir: DataDir = DATA_DIR) -> None:
    """Print the revision of the tables."""
    url = _settings(data_dir).database_url
    _say(str(_call("records.migrations", "current", url)))


@fees.command("list")
def list_fees(data_dir: DataDir = DATA_DIR) -> None:
    """List every amount known, from which day to which, and its source."""
    _say_all(_call("intake.fees_by_hand", "listed", _settings(data_dir)))


Operation = Annotated[str, typer.Argument(help="“issue” or “renewal”.")]
FirstDay = Annotated[str, typer.Argument(help="First day, like 2027-07-01.")]


@fees.command()
def adopt(
    operation: Operation,
    first_day: FirstDay,
    cents: Annotated[int, typer.Argument(min=1, help="Amount in cents.")],
    source: Annotated[str, typer.Argument(help="The notice that fixes it.")],
    data_dir: DataDir = DATA_DIR,
    yes: Annotated[bool, typer.Option("--yes", help="Adopt it.")] = False,
) -> None:
    """Adopt an amount ahead of its day; without --yes, only say what it would do."""
    what = (operation, first_day, cents, source)
    _by_hand("adopted" if yes else "examined", _settings(data_dir), *what)


@fees.command()
def withdraw(
    operation: Operation, first_day: FirstDay, data_dir: DataDir = DATA_DIR
) -> None:
    """Take back an adopted amount that has not begun."""
    _by_hand("withdrawn", _settings(data_dir), operation, first_day)


@agencies.command()
def invite(
    permit: Annotated[str, typer.Argument(help="Permit number, like AR-1001.")],
    email: Annotated[str, typer.Argument(help="The agency's mailbox on file.")],
    name: Annotated[str, typer.Option(help="Of an agency not known yet.")] = "",
    language: Annotated[str, typer.Option(help="“fr” or “en”.")] = "fr",
    again: Annotated[
        bool, typer.Option("--again", help="Let another account take its place.")
    ] = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Invite an agency to sign in; prints, once, the address to send to it."""
    said = (_settings(data_dir), permit, email, name, language, again)
    _by_hand("invited", *said, part="intake.agencies_by_hand")


@app.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(help="CSV of certificates that exist.")],
    data_dir: DataDir = DATA_DIR,
    write: Annotated[bool, typer.Option(help="Do it; else only look.")] = False,
    encoding: Annotated[
        Encoding, typer.Option(help="How the file is written.")
    ] = Encoding.UTF_8,
    at_once: Annotated[
        int, typer.Option(min=1, max=200, help="Stories begun side by side.")
    ] = 20,
) -> None:
    """Bring in certificates: 0 all well, 1 some lines refused, 2 not done."""
    from embedded.sentences import french  # noqa: PLC0415 - late, see above
    from intake.importing.by_hand import Wish  # noqa: PLC0415 - late, see above

    wish = Wish(file, write, encoding, at_once, "fr" if french() else "en")
    module, settings = "intake.importing.by_hand", _settings(data_dir)
    raise typer.Exit(_call(module, "bring_in_by_hand", settings, wish, console))


def _by_hand(what: str, *given: Any, part: str = "intake.fees_by_hand") -> None:
    try:
        _say_all(_call(part, what, *given))
    except ValueError as refused:  # something said that cannot be
        _say(f"Nothing is changed: {refused}.")
        raise typer.Exit(1) from None


def _say_all(lines: list[str]) -> None:
    for line in lines:
        _say(line)


def _call(module: str, name: str, *arguments: Any) -> Any:
    """Call a function of a part that only this command needs; await its answer."""
    answer = getattr(import_module(module), name)(*arguments)
    return asyncio.run(_awaited(answer)) if inspect.isawaitable(answer) else answer


async def _awaited(answer: Any) -> Any:
    return await answer


async def _play(settings: Settings) -> int:
    return int(await import_module("embedded.demo").play(settings))


def _mover() -> Mover:
    """Move a dossier's clock; the doors must not know the embedded stack."""
    from embedded.clock import DossierClocks  # noqa: PLC0415 - late, see above

    async def move(parts: Parts, number: DossierNumber, to: datetime) -> None:
        clocks = DossierClocks(parts.settings, parts.client, parts.sessions)
        await clocks.advance([number], to)

    return move


def _play_alone() -> int:
    """Play in a folder of its own, on free ports, and leave nothing behind."""
    from embedded.checks import troubles  # noqa: PLC0415 - late, see above
    from embedded.places import forget  # noqa: PLC0415 - late, see above
    from embedded.ports import Ports  # noqa: PLC0415 - late, see above
    from embedded.stack import (  # noqa: PLC0415 - late, see above
        START_TROUBLES,
        EmbeddedStack,
    )

    async def play_on(folder: Path, ports: Ports) -> int:
        async with EmbeddedStack(folder, ports, says=_say) as stack:
            return await _play(stack.settings)

    folder, ports = Path(tempfile.mkdtemp(prefix="echeance-demo-")), Ports.free()
    folder.chmod(0o755)
    found = troubles(folder, ports)
    try:
        return 1 if found else asyncio.run(play_on(folder, ports))
    except START_TROUBLES as problem:
        found = [str(problem)]
        return 1
    finally:
        for trouble in found:
            _say(trouble)
        forget(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _settings(data_dir: Path) -> Settings:
    """Read the settings, of the stack that runs here if nothing else is said."""
    from settings import SettingsError, load_settings  # noqa: PLC0415 - late, see above

    if "ECHEANCE_DATABASE_URL" not in os.environ:
        from embedded.launcher import join_running_stack  # noqa: PLC0415 - late, see above

        if "ECHEANCE_SECRETS_DIR" not in os.environ:
            join_running_stack(data_dir)
    try:
        return load_settings()
    except SettingsError as problem:
        _say(str(problem))
        raise typer.Exit(2) from None


def _ports(environment: Mapping[str, str]) -> Ports:
    from embedded.ports import PortError, Ports  # noqa: PLC0415 - late, see above

    try:
        return Ports.from_environment(environment)
    except PortError as problem:
        _say(str(problem))
        raise typer.Exit(1) from None


def _say(line: str) -> None:
    console.print(line, markup=False)


def main() -> NoReturn:
    """Run one command and leave."""
    code = 1
    try:
        app()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException:  # noqa: BLE001 - whatever it was, we leave by the one exit
        traceback.print_exc()
    if "temporalio" in sys.modules:
        # Only then can the interpreter crash while it ends; and the launcher, which
        # does without, stays small.
        import engine  # noqa: PLC0415 - late, see above

        engine.leave(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
