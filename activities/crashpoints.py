"""Where a test may kill the process: before and after each effect."""

import os
import signal
from pathlib import Path

CRASHPOINTS = (
    "before_keep",
    "after_keep",
    "before_claim",
    "after_claim",
    "after_relay_answer",
    "after_accepted",
    "before_told",
    "after_told",
    "before_aside",
    "after_aside",
    "before_move",
    "after_move",
    "before_certificate",
    "after_certificate",
    "before_document",
    "after_document",
    "before_refund",
    "after_refund",
    "before_report",
    "after_report",
    "before_import",
    "after_import",
)


def crashpoint(name: str) -> None:
    """Die here by SIGKILL if ECHEANCE_CRASHPOINT is *name*; otherwise do nothing.

    With a file ECHEANCE_CRASHPOINT_ONCE, die only if it does not exist, and make it.
    """
    if os.environ.get("ECHEANCE_CRASHPOINT") != name:
        return
    once = os.environ.get("ECHEANCE_CRASHPOINT_ONCE")
    if once is not None:
        try:
            Path(once).touch(exist_ok=False)
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
