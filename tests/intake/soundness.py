"""What holds of every message that was read, and how much work its reading was."""

import sys
from dataclasses import fields
from itertools import chain
from types import FrameType
from typing import Any, Self

from intake.parts import TEXT_CHARACTERS
from intake.understanding import Nature, Understood, Wish


def well_formed(mail: Understood) -> None:
    """Assert what holds of every message, and that the safety net was not needed."""
    assert mail.problem != "unexpected"
    assert len(mail.text) <= TEXT_CHARACTERS
    assert {mail.new_dossier, mail.expired_certificate} <= {None, *mail.numbers}
    assert (
        not mail.contradictory or mail.new_dossier is mail.expired_certificate is None
    )
    if mail.nature not in {Nature.PERSON, Nature.MAILING_LIST}:
        assert mail.wish is Wish.NONE
    texts = (getattr(mail, field.name) for field in fields(mail))
    flat = chain.from_iterable(t if isinstance(t, tuple) else (t,) for t in texts)
    for text in flat:
        assert "\0" not in str(text)
        str(text).encode()  # no half of a character: the database would refuse it


class counted:  # noqa: N801 -- it reads as what is done in its block
    """Count the calls made in a block, of Python and of C."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _call(self, _frame: FrameType, event: str, _argument: Any) -> None:
        self.calls += event in {"call", "c_call"}
