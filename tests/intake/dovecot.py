"""A real mail server (Debian's dovecot) with one mailbox, for one test."""

import imaplib
import os
import shutil
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from grp import getgrgid
from pathlib import Path
from pwd import getpwuid

import pytest
from imap_tools.utils import encode_folder
from pydantic import SecretStr

from embedded.places import give
from embedded.ports import Ports
from embedded.processes import Program, Running, start, unprivileged
from intake.mailbox import Mailbox
from tests.intake.writing import INTAKE, MARC

USERNAME = "bureau"
KEPT = "Échéance/Gardé"
_PATIENCE_S = 10.0
_PAUSE_S = 0.02
_TRIES = 20
_LATER = 4  # the first digit of an answer that may change


def the_program() -> str:
    """Find dovecot; without it the test is skipped, or fails where CI runs it."""
    found = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is not None:
        return found
    why = "dovecot is missing: apt-get install dovecot-imapd dovecot-lmtpd"
    if "CI" in os.environ:
        pytest.fail(why)
    pytest.skip(why)


@dataclass
class Dovecot:
    """The server; it may be stopped, killed and started again."""

    folder: Path
    program: str
    password: str = "clef"
    capability: str = ""  # what it says that it can do; all of it when empty
    certificate: Path | None = None
    ports: Ports = field(default_factory=Ports.free)
    running: Running | None = None

    @property
    def imap(self) -> int:
        return self.ports.api

    @property
    def imaps(self) -> int:
        return self.ports.inbox

    def mailbox(self, **changes: object) -> Mailbox:
        """Describe the mailbox as an operator would."""
        said: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.imap,
            "tls": "none",
            "username": USERNAME,
            "password": SecretStr(self.password),
            "folder": "INBOX",
            "kept_folder": KEPT,
        }
        return Mailbox(**(said | changes))  # type: ignore[arg-type] # changed by name

    # ------------------------------------------------------------- the process

    def start(self) -> None:
        account = unprivileged()
        (self.folder / "dovecot.conf").write_text(self._configuration())
        give(self.folder, account)
        self.running = start(
            Program(
                (self.program, "-F", "-c", str(self.folder / "dovecot.conf")),
                {"PATH": os.environ["PATH"]},
                self.folder,
                account,
            ),
            None,
        )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End it, gently; what it was doing is cut off."""
        if self.running is not None:
            self.running.stop()
            self.running.kill()

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait(_PATIENCE_S)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def _wait_until_it_answers(self) -> None:
        limit = time.monotonic() + _PATIENCE_S
        while True:
            try:
                with self.looked_at():
                    return
            except (OSError, imaplib.IMAP4.error):
                assert time.monotonic() < limit, self.log()
                time.sleep(_PAUSE_S)

    def _configuration(self) -> str:
        account = unprivileged()
        user = getpwuid(account.uid if account else os.getuid()).pw_name
        group = getgrgid(account.gid if account else os.getgid()).gr_name
        home = f"{self.folder}/mail"
        tls = "ssl = no"
        if self.certificate is not None:
            tls = (
                f"ssl = yes\nssl_cert = <{self.certificate}\n"
                f"ssl_key = <{self.certificate}"
            )
        says = f"imap_capability = {self.capability}" if self.capability else ""
        return f"""
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {self.folder}/run
state_dir = {self.folder}/run
log_path = {self.folder}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
auth_username_format = {USERNAME}
auth_failure_delay = 0
mail_fsync = never
mail_location = maildir:{home}:LAYOUT=fs
{tls}
{says}
passdb {{
  driver = static
  args = password={self.password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home} allow_all_users=yes
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = {self.imaps if self.certificate else 0}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {self.ports.lmtp}
  }}
}}
"""

    # ------------------------------------------------------------- the mailbox

    def deliver(self, *letters: bytes, to: str = INTAKE, sender: str = MARC) -> None:
        """Have it delivered as a mail server does, by LMTP."""
        with smtplib.LMTP("127.0.0.1", self.ports.lmtp) as door:
            for raw in letters:
                self._insist(door, partial(door.sendmail, sender, [to], raw))

    def _insist(self, door: smtplib.LMTP, send: Callable[[], object]) -> None:
        """Send again while the server says "later" or hangs up, as mail servers do."""
        for _ in range(_TRIES):
            try:
                send()
            except smtplib.SMTPDataError as later:
                if later.smtp_code // 100 != _LATER:
                    raise
            except smtplib.SMTPServerDisconnected:
                door.connect("127.0.0.1", self.ports.lmtp)
                door.ehlo()
            else:
                return
        send()

    @contextmanager
    def looked_at(self) -> Iterator[imaplib.IMAP4]:
        """Look into the mailbox beside the reader."""
        client = imaplib.IMAP4("127.0.0.1", self.imap)
        try:
            client.authenticate("PLAIN", self._credentials)
            yield client
        finally:
            with suppress(OSError, imaplib.IMAP4.error):
                client.logout()

    def _credentials(self, _challenge: bytes) -> bytes:
        return f"\0{USERNAME}\0{self.password}".encode()

    def held(self, folder: str = "INBOX") -> int:
        """Count the messages of a folder, as files: the server is not disturbed."""
        home = self.folder / "mail"
        if folder != "INBOX":
            home /= written(folder).strip('"')
        # A file that goes from one to the other meanwhile is one message.
        files = (file for name in ("new", "cur") for file in (home / name).glob("*"))
        return len({file.name.partition(":")[0] for file in files})


def written(folder: str) -> str:
    """Write the name of a folder as the protocol wants it."""
    return encode_folder(folder).decode("ascii")


@contextmanager
def a_mail_server(open_folder: Path, **how: object) -> Iterator[Dovecot]:
    """Run dovecot in a folder of its own."""
    program = the_program()
    folder = open_folder / f"dovecot-{os.urandom(4).hex()}"
    for each in (folder, folder / "run", folder / "mail"):
        each.mkdir(mode=0o755)
    server = Dovecot(folder, program, **how)  # type: ignore[arg-type] # by name
    server.start()
    try:
        yield server
    finally:
        server.kill()  # gently, it would take a second
        shutil.rmtree(folder)
