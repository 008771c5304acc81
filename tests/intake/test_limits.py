"""Whatever the bytes, a message is read to its end within bounds."""

import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.parts import DEPTH, PARTS, RAW_BYTES, TEXT_CHARACTERS
from intake.understanding import Understood, understand
from tests.intake.messages import HOUSE, OLD, a_message, a_page
from tests.intake.mutations import LONG
from tests.intake.soundness import counted, well_formed
from tests.intake.written_with_malice import LIMITS, MEGABYTE, nested, with_parts

AUTHENTICATED = "Authentication-Results: mx.echeance.example; dkim=pass "


def read(raw: bytes) -> Understood:
    return understand(raw, HOUSE)


BOMBS = (
    (a_message("x" * (RAW_BYTES + 1)), "too_large"),
    *((case.raw, case.reading.problem) for case in LIMITS),
    (a_message("x", headers=f"X-Long: {'a' * MEGABYTE}\n"), "headers_too_large"),
    (a_message("x", headers="X: a\n" * 200_000), "headers_too_large"),
    (a_message("e" + "\u0301\u0327" * 150_000), "text_too_long"),
    (a_page("<" * MEGABYTE), "text_too_long"),
    (a_page("<!--" * 100_000), None),
    (a_page("<a " * 30_000), None),
    (a_page("<![x" * 40_000), None),
    (a_page("<div>" * 100_000), None),
    (a_page("<b>" * 199 + "</i>" * 100_000), None),
    (a_page(("<a" + " x=" * 600 + "'>") * 300), None),
    (a_message(f"nouveau {OLD} " * 8_000), None),
    (a_message("CAR2021 " * 20_000), None),
    (a_message("transfert a " * 16_000), None),
    (a_message("x", headers=f"From: {'(' * 1_900}\n"), None),
    (a_message("x", headers='From: "' + '\\"' * 900 + "\n"), None),
    (a_message("x", top=(AUTHENTICATED + '"\\"' * 1_000 + "\n") * 20), None),
    (a_message("x", top=AUTHENTICATED + "(" * 4_000 + "\n"), None),
    (a_message("x", top="Received: x\n" * 7_000), None),
    (a_message("x", headers="X" * 90_000 + "\n"), None),
    (a_message("x", headers="X:\n" + " \n" * 30_000), None),
    (a_message("utiliser conserver use keep " * 6_000), None),
    (a_message("changement nouveau adresse a change " * 5_000), None),
    (a_message("un delai quand ou en est le statut " * 5_000), None),
    (a_message("Final-Recipient: x\n" * 10_000, kind="message/delivery-status"), None),
    (a_message("Action : failed\n \n" * 12_000, kind="message/delivery-status"), None),
    (a_message("Message-ID: " * 16_000, sender="mailer-daemon@x.example"), None),
    (a_message("pas pu etre pas encore " * 8_000, sender="postmaster@x.example"), None),
)


@pytest.mark.parametrize(("raw", "problem"), BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_is_named_within_bounded_memory(raw: bytes, problem: str | None) -> None:
    tracemalloc.start()
    try:
        mail = read(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert mail.problem == problem
    assert peak < 100 * MEGABYTE


def test_the_last_message_within_each_bound_has_no_problem() -> None:
    assert read(nested(DEPTH)).problem is None
    assert read(nested(DEPTH + 1)).problem == "too_deep"
    assert read(with_parts(PARTS - 1)).problem is None
    assert read(with_parts(PARTS)).problem == "too_many_parts"
    assert read(a_message("x" * TEXT_CHARACTERS)).problem is None
    assert read(a_message("x" * (TEXT_CHARACTERS + 1))).problem == "text_too_long"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Content-Type: text/plain; charset=\0\nno header\xe9",
        b"Content-Type: multipart/mixed; boundary*=a; boundary*0=b\n\n--a\n\nx",
        b"Content-Type: multipart/mixed; boundary=\xe9\n\n--\xe9\n\nx",
        b"Content-Type: text/plain; charset=idna\n\nxn--" + b"a" * 50_000,
        b"Content-Transfer-Encoding: base64\n\n=A=B=C=\xff",
        b"Content-Type: text/html\n\n<![if !x]><a b=<![endif]>&#xD800;</p></p>",
        b"Subject: =?utf-8?b?=?= =?utf-16?b?2A==?= =?zip?q?=?=\n\n",
        b'From: "\\\nFrom: <@>\nFrom: =?\n\n',
    ],
)
def test_a_known_poison_is_read_to_its_end(raw: bytes) -> None:
    well_formed(read(raw))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=4_000))
def test_no_bytes_at_all_make_it_raise(raw: bytes) -> None:
    well_formed(read(raw))


# --- twice the message, twice the work --------------------------------------------

GROWING: dict[str, Callable[[int], bytes]] = {
    "words": lambda n: a_message("bonjour le dossier " * n),
    "numbers": lambda n: a_message(f"nouveau {OLD} " * n),
    "beginnings of numbers": lambda n: a_message("CAR2021 " * n),
    "roles": lambda n: a_message(f"Certificat expiré : {OLD}\n" * n),
    "wishes": lambda n: a_message("transférer utiliser mon examen adresse " * n),
    "quoted lines": lambda n: a_message("> bonjour\n" * n),
    "attributions": lambda n: a_message("Le 3 mai, Luc\n a écrit\n" * n),
    "blocks of headers": lambda n: a_message("De : Luc\nEnvoyé : x\nÀ : y\n" * n),
    "tags": lambda n: a_page("<p>a<b>b" * n),
    "open tags": lambda n: a_page("<a " * n),
    "comments": lambda n: a_page("<!--" * n),
    "accents": lambda n: a_message("e\u0301" * n),
    "headers": lambda n: a_message("x", headers="X-A: b\n" * n),
    "folded headers": lambda n: a_message("x", headers="X-A: b\n" + " c\n" * n),
    "senders": lambda n: a_message("x", headers="From: a@b.example\n" * n),
    "threads": lambda n: a_message("x", headers="References: <a@b>\n" * n),
    "results": lambda n: a_message("x", top=f"{AUTHENTICATED}\n" * n),
    "parts": lambda n: with_parts(min(n // 20, PARTS - 1)),
    "recipients of a report": lambda n: a_message(
        "Final-Recipient: x\nAction: failed\n" * n, kind="message/delivery-status"
    ),
    "words of a server": lambda n: a_message(
        "could not be delivered 550 5.1.1 " * n, sender="mailer-daemon@x.example"
    ),
}
SIZE = 800
FASTER = 2.6
"""More than twice: what is done once weighs, and grows with nothing."""


@pytest.mark.parametrize("family", GROWING)
def test_twice_the_message_asks_for_at_most_twice_the_work(family: str) -> None:
    once, twice = (calls_of(GROWING[family](SIZE * times)) for times in (1, 2))
    assert twice <= FASTER * once


def calls_of(raw: bytes) -> int:
    with counted() as work:
        read(raw)
    return work.calls


@pytest.mark.skipif(not LONG, reason="a clock is asked in the long run only")
@pytest.mark.parametrize("family", GROWING)
def test_twice_the_message_takes_at_most_twice_the_time(family: str) -> None:
    once, twice = (seconds_of(GROWING[family](SIZE * times)) for times in (2, 4))
    assert twice <= FASTER * once + 0.01


def seconds_of(raw: bytes) -> float:
    def once() -> float:
        began = time.process_time()
        read(raw)
        return time.process_time() - began

    return min(once() for _ in range(5))
