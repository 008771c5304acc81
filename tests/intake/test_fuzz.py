"""Damaged messages: each is read within bounds, and no fact is invented of it."""

import gc
import html
import json
import quopri
import re
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from functools import cache

import pytest

from intake.mail import MailRoom, Outcome, _storable, _summary
from intake.understanding import Understood, understand
from records.models import FactRow, Letter, Mail
from rules.numbers import DossierNumber, find_dossier_numbers
from tests.activities.office import Office
from tests.dossiers import TODAY, a_holder, a_newcomer
from tests.intake.corpus import CASES
from tests.intake.messages import HOUSE, NEW, OLD, OUR_LETTER, Case
from tests.intake.mutations import LONG, WHOLE, Mutant, mutant, mutants
from tests.intake.soundness import counted, well_formed
from tests.intake.writing import RECEIVED_AT

READ = 10_000 if LONG else 400
KEPT = 1_000 if LONG else 60
MEGABYTE = 1024 * 1024

CALLS_OF_ANY = 30_000
CALLS_A_BYTE = 30
"""Work a message may ask for: calls, counted, since a clock lies on a busy machine."""

PEAK = 4 * MEGABYTE
"""Memory that a message of mutations.LARGEST bytes or so may ask for."""

LEFT = 64 * 1024
"""Memory that reading a hundred messages may leave behind, in all."""

SECONDS_OF_ANY = 3.0
"""Generous, and for the long run only."""


@pytest.mark.timeout(3600)
def test_no_damage_makes_a_message_costly_unstorable_or_inventive() -> None:
    slowest = 0.0
    for each in mutants(READ):
        began = time.process_time()
        with counted() as work:
            mail = understand(each.raw, HOUSE)
        slowest = max(slowest, time.process_time() - began)
        assert work.calls <= CALLS_OF_ANY + CALLS_A_BYTE * len(each.raw), each.name
        assert not LONG or slowest < SECONDS_OF_ANY, each.name
        is_sound(mail, each)
    print(f"slowest: {slowest:.3f} s")  # noqa: T201 -- a figure of the long run


@pytest.mark.timeout(3600)
def test_no_damage_makes_the_memory_grow() -> None:
    messages = [each.raw for each in mutants(READ // 4)]
    for raw in messages:
        understand(raw, HOUSE)  # what is compiled once is not of this message
    gc.collect()
    tracemalloc.start()
    try:
        for raw in messages:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            understand(raw, HOUSE)
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < PEAK
        gc.collect()
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < LEFT


@pytest.mark.timeout(3600)
async def test_each_damaged_message_is_kept_and_tells_only_what_it_holds(
    office: Office, room: MailRoom
) -> None:
    await office.place(a_newcomer(number=NEW))
    await office.place(a_holder(TODAY, number=OLD), person="Marie Lavoie")
    await office.add(
        Letter(
            key=f"{NEW}/1/finalize",
            dossier=NEW,
            notice="finalize",
            ordered={},
            occurred_at=RECEIVED_AT,
            state="accepted",
            message_id=OUR_LETTER,
        )
    )
    for each in mutants(KEPT):
        taken = await room.keep(each.raw, received_at=RECEIVED_AT)
        kept = await office.one(Mail, taken.mail_id)
        assert kept.outcome == taken.outcome, each.name
        if taken.outcome is Outcome.FACT:
            assert taken.dossier in {NEW, OLD}, each.name
    await only_what_was_written(office)


async def only_what_was_written(office: Office) -> None:
    """Each fact names a dossier and a certificate of ours, or the letter by its id."""
    mails = {mail.mail_id: mail for mail in await office.rows(Mail)}
    for row in await office.rows(FactRow):
        if row.kind == "letter_bounced":
            assert any(
                mail.understood["letter"] == OUR_LETTER for mail in mails.values()
            )
        else:
            said = mails[row.body["mail_id"]].understood["numbers"]
            assert row.body["certificate"] in {None, *said}


def is_sound(mail: Understood, each: Mutant) -> None:
    try:
        well_formed(mail)
    except AssertionError as problem:
        raise AssertionError(each.name) from problem
    stored = json.dumps(_summary(_storable(mail)), ensure_ascii=False)
    assert "\\u0000" not in stored, each.name
    stored.encode()
    held = set().union(*(numbers_held(origin) for origin in each.origins))
    assert set(mail.numbers) & KNOWN <= held, each.name


# --- what a message holds, by another way than the reader's -----------------------

KNOWN = frozenset(number for case in CASES for number in case.reading.numbers)


@cache
def numbers_held(case: Case) -> frozenset[DossierNumber]:
    """Find every number that is anywhere in a message, under any transport."""
    return frozenset(
        number for text in _anywhere(case.raw) for number in find_dossier_numbers(text)
    )


def _anywhere(raw: bytes) -> Iterator[str]:
    for content in (raw, quopri.decodestring(raw), *_parts(raw)):
        for charset in ("utf-8", "latin-1", "utf-16"):
            text = html.unescape(content.decode(charset, "replace"))
            yield text
            yield re.sub(r"<[^>]*>", "", text)


def _parts(raw: bytes) -> Iterator[bytes]:
    message = message_from_bytes(raw)
    for part in message.walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield content
        for value in part.values():
            with suppress(HeaderParseError):
                yield b"".join(
                    piece
                    if isinstance(piece, bytes)
                    else piece.encode(errors="replace")
                    for piece, _ in decode_header(str(value))
                )


# --- the tests themselves ---------------------------------------------------------


def test_a_mutant_is_made_again_from_its_name() -> None:
    first = list(mutants(20))
    for each in first:
        seed, _, place = each.name.partition("/")
        assert mutant(seed, int(place)) == each


def test_the_held_numbers_are_those_that_the_reader_may_name() -> None:
    for case in WHOLE:
        assert set(case.reading.numbers) <= numbers_held(case), case.name
