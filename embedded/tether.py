"""Become another program that ends when the process that started it ends."""

# Run as a script, before the program, instead of Popen's preexec_fn: that one runs
# Python between fork and exec, which can hang a process that has threads.
# Standard library only, and Python's isolated mode: it may run as another account.

import ctypes
import os
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PARENT_GONE = 3


def main(arguments: list[str]) -> NoReturn:
    """Take signal, parent's id, user and group ("-" for ours), then the program."""
    death_signal, parent, user, group, *program = arguments
    if user != "-":
        os.setgroups([])
        os.setgid(int(group))
        os.setuid(int(user))
    if sys.platform == "linux":
        # After setuid: changing the account clears it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent):
            os._exit(_PARENT_GONE)
    os.execv(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
