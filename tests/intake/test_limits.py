"""Whatever the bytes, a message is read to its end within bounds."""

import tracemalloc
from dataclasses import fields
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.parts import DEPTH, PARTS, RAW_BYTES, TEXT_CHARACTERS
from intake.understanding import Nature, Understood, Wish, understand
from tests.intake.corpus import CASES
from tests.intake.messages import HOUSE, OLD, Case, a_message, a_page
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


@pytest.mark.parametrize(
    "raw",
    [
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


SPICE = (
    *(
        b"\0",
        b"\xff",
        b"\r",
        b"\n\n",
        b"\r\n\r\n",
        b"--=_b7\r\n",
        b"--=_b7--",
        b"=?",
        b"?=",
    ),
    *(
        b"<",
        b">",
        b"<!--",
        b"<blockquote>",
        b"&#x110000;",
        b"&#0;",
        b"=",
        b"=3D",
        b"\xed\xa0\x80",
    ),
    *(b"Content-Type: message/rfc822\r\n", b"Content-Transfer-Encoding: base64\r\n"),
    *(
        b"charset*0*=x''y;",
        b'boundary="',
        b"boundary*=a; boundary*0=b; ",
        b"utf-7",
        b"idna",
    ),
    *(b"=?utf-8?b?=?=", b"=?utf-16?q?=D8?=", b"charset=utf-16", "\ue000".encode()),
    *(b"\xc4\xb0", "\u2028".encode(), b"CAR20", b"nouveau ", b"> ", b"-- \n", b"De :"),
)
MUTATIONS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(SPICE)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CASES), MUTATIONS)
def test_no_mutation_of_a_real_message_makes_it_raise(
    case: Case, mutations: list[tuple[float, int, bytes]]
) -> None:
    raw = case.raw
    for place, cut, spice in mutations:
        at = int(place * len(raw))
        raw = raw[:at] + spice + raw[at + cut :]
    well_formed(read(raw))
