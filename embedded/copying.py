"""The commands `backup` and `restore`, for the person at the terminal."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

# What a command needs is imported by the command: `doctor` must answer when something
# is missing.

_VAR = Path(__file__).resolve().parent.parent / "var"
_DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir", envvar="ECHEANCE_DATA_DIR", help="Folder of everything kept."
    ),
]


def backup(
    folder: Annotated[Path, typer.Argument(help="New folder of the copy.")],
    data_dir: _DataDir = _VAR,
) -> None:
    """Copy everything kept on this machine, while it runs or not."""
    from embedded.backup import (  # noqa: PLC0415 - late, see above
        MANIFEST,
        BackupError,
        make_backup,
    )
    from embedded.sentences import sentence  # noqa: PLC0415 - late, see above

    try:
        make_backup(data_dir.resolve(), folder.resolve())
    except BackupError as problem:
        _leave(str(problem))
    print(sentence("backup.made", folder=folder, manifest=MANIFEST))


def restore(
    folder: Annotated[Path, typer.Argument(help="Folder that `backup` made.")],
    data_dir: _DataDir = _VAR,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    database_only: Annotated[
        bool,
        typer.Option(
            "--database-only", help="Leave Temporal empty; `reconcile --rebuild` it."
        ),
    ] = False,
) -> None:
    """Put a copy back; only says what it would do, until --yes."""
    from embedded.backup import (  # noqa: PLC0415 - late, see above
        BackupError,
        check_backup,
        restore_backup,
    )
    from embedded.record import (  # noqa: PLC0415 - late, see above
        AlreadyRunning,
        running_stack,
    )
    from embedded.sentences import sentence  # noqa: PLC0415 - late, see above

    data_dir, folder = data_dir.resolve(), folder.resolve()
    try:
        manifest = check_backup(folder)
        if (record := running_stack(data_dir)) is not None:
            raise AlreadyRunning(record)  # noqa: TRY301 - said as when it begins now
        if not yes:
            said = {"at": manifest.made_at, "revision": manifest.revision}
            print(sentence("restore.would", folder=data_dir, **said))
            return
        replaced = restore_backup(data_dir, folder, database_only=database_only)
    except BackupError as problem:
        _leave(str(problem))
    except AlreadyRunning as running:
        pid = running.record.pid if running.record else "?"
        _leave(sentence("reset_running", pid=pid))
    print(sentence("restore.done", at=manifest.made_at, folder=data_dir))
    if replaced is not None:
        print(sentence("restore.replaced", folder=replaced))


def _leave(why: str) -> NoReturn:
    print(why)
    raise typer.Exit(1)
