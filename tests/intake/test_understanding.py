"""Incoming messages are read as far as they go, and never further."""

import tracemalloc
from dataclasses import fields
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.arrival import House
from intake.parts import DEPTH, HEADER_BYTES, PARTS, RAW_BYTES, TEXT_CHARACTERS
from intake.understanding import Nature, Understood, Wish, understand
from tests.intake import written_by_programs, written_in_english, written_in_french
from tests.intake.messages import (
    INTAKE,
    MARIE,
    NEW,
    OLD,
    OUR_LETTER,
    Case,
    Reading,
    a_message,
    a_page,
    a_report,
    an_answer,
)

CASES = (
    *written_in_french.CASES,
    *written_in_english.CASES,
    *written_by_programs.CASES,
)
MEGABYTE = 1024 * 1024


def read(raw: bytes) -> Understood:
    return understand(raw, House(INTAKE))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_is_read_as_its_writer_meant_it(case: Case) -> None:
    assert Reading.of(read(case.raw)) == case.reading


def test_every_message_of_the_corpus_has_its_own_name_and_bytes() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.raw for case in CASES}) == len(CASES)


def test_line_ends_do_not_change_what_is_read() -> None:
    for case in CASES:
        unix = case.raw.replace(b"\r\n", b"\n")
        assert Reading.of(read(unix)) == case.reading, case.name


# --- who, and in which thread -----------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        (f"Marie Lavoie <{MARIE}>", MARIE),
        ("MARIE@Courriel.Example", "marie@courriel.example"),
        (f'"Lavoie, Marie <chef@agence.example>" <{MARIE}>', MARIE),
        (f"chef@agence.example <{MARIE}>", MARIE),
        (f"{MARIE} (écrire à chef@agence.example)", MARIE),
        (f"=?utf-8?q?chef=40agence=2Eexample?= <{MARIE}>", MARIE),
        ("Marie Lavoie", None),
        (f"{MARIE}, luc@courriel.example", None),
    ],
)
def test_the_sender_is_the_one_address_of_the_from_header(
    sender: str, address: str | None
) -> None:
    assert read(a_message("Bonjour", sender=sender)).sender == address


def test_a_thread_names_each_letter_once_the_answered_one_first() -> None:
    references = f"References: <first@x.example>\r\n\t{OUR_LETTER}\r\n"
    mail = read(
        a_message("Oui", headers=f"In-Reply-To: {OUR_LETTER} (Office)\n{references}")
    )
    assert mail.in_reply_to == (OUR_LETTER, "<first@x.example>")
    assert mail.message_id == "<a1@courriel.example>"


def test_the_text_is_what_the_person_wrote_now() -> None:
    mail = read(
        an_answer(
            "Merci, c'est noté.\n\nEnvoyé de mon iPhone\n\n"
            "Le 15 janv. 2027 à 9 h, Office <o@x.example> a écrit :\n> Bonjour Marie\n"
        )
    )
    assert mail.text == "Merci, c'est noté."


def test_a_forward_without_a_new_word_speaks_by_its_forwarded_text() -> None:
    mail = read(
        a_message(
            "---------- Forwarded message ---------\nDe : Luc\nObjet : Mon examen\n\n"
            "Bonjour, merci de m'aider.\n-- \nLuc",
            subject="TR: Mon examen",
        )
    )
    assert mail.text.startswith("Mon examen\n\nBonjour, merci de m'aider.")


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        (("Bonjour, merci", "Hello"), "fr"),
        (("Thank you", "Bonjour"), "en"),
        (("", "My certificate"), "en"),
        ((NEW, "?"), "fr"),
    ],
)
def test_the_text_decides_the_language_and_then_the_subject(
    texts: tuple[str, str], language: str
) -> None:
    text, subject = texts
    assert read(a_message(text, subject=subject)).language == language


@pytest.mark.parametrize(
    ("sent", "subject"),
    [
        ("=?utf-8?q?Transf=C3=A9?=\n =?utf-8?b?cmVy?=", "Transférer"),
        ("Re: =?iso-8859-1?Q?R=E9sultat?= ok", "Re: Résultat ok"),
        ("Résultat tout cru", "Résultat tout cru"),
        ("=?x-mars?q?abc?= =?utf-8?q?", "abc =?utf-8?q?"),
    ],
)
def test_a_subject_is_decoded_as_far_as_it_can_be(sent: str, subject: str) -> None:
    assert read(a_message("x", subject=sent)).subject == subject


def test_a_text_cut_inside_a_letter_keeps_its_accents() -> None:
    mail = read(a_message("x" + "é" * 450_000))
    assert mail.problem == "text_too_long"
    assert mail.text.startswith("xéé")


# --- letters that come back -------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "action", "permanent"),
    [
        ("5.1.1", "failed", True),
        ("4.2.2", "delayed", False),
        ("4.4.7", "failed", False),
        ("", "failed", True),
        ("", "delayed", False),
        ("", "", None),
    ],
)
def test_a_bounce_names_our_letter_and_whether_it_is_for_good(
    status: str, action: str, permanent: bool | None
) -> None:
    mail = read(a_report(status=status, action=action))
    assert mail.nature is Nature.BOUNCE
    assert mail.bounced_message_id == OUR_LETTER
    assert mail.bounce_permanent is permanent


def test_a_bounce_in_words_names_our_letter_too() -> None:
    [case] = [c for c in CASES if c.name == "a bounce without a report"]
    mail = read(case.raw)
    assert mail.bounced_message_id == OUR_LETTER
    assert mail.bounce_permanent is True


def test_a_persons_message_never_carries_the_marks_of_a_bounce() -> None:
    mail = read(a_message(f"550 5.1.1 ? Message-ID: {OUR_LETTER}\nMerci"))
    assert mail.bounced_message_id is None
    assert mail.bounce_permanent is None


# --- hostile bytes ----------------------------------------------------------------


def nested(depth: int) -> bytes:
    opened = "".join(
        f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
        for level in range(depth)
    )
    return f"From: {MARIE}\r\n{opened}\r\nBonjour".encode()


def with_parts(count: int) -> bytes:
    parts = f"--b\n\nCertificat expiré : {OLD}\n" + "--b\n\nx\n" * (count - 1)
    return a_message(parts, kind="multipart/mixed; boundary=b", declared="")


BOMBS = (
    (nested(1_000), "too_deep"),
    (b"From: a@x.ca\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 1_000, "too_deep"),
    (with_parts(10_000), "too_many_parts"),
    (a_message("x", headers=f"X-Long: {'a' * MEGABYTE}\n"), "headers_too_large"),
    (a_message("x", headers="X: a\n" * 200_000), "headers_too_large"),
    (a_message("a" * 6 * MEGABYTE, encoding="base64"), "text_too_long"),
    (a_message("x" * (RAW_BYTES + 1)), "too_large"),
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


def test_what_was_read_before_a_bound_is_kept() -> None:
    assert read(with_parts(10_000)).expired_certificate == OLD
    assert read(a_message("x" * (RAW_BYTES + 1))).sender == MARIE


def test_the_last_message_within_each_bound_has_no_problem() -> None:
    assert read(nested(DEPTH)).problem is None
    assert read(nested(DEPTH + 1)).problem == "too_deep"
    assert read(with_parts(PARTS - 1)).problem is None
    assert read(with_parts(PARTS)).problem == "too_many_parts"
    assert read(a_message("x" * TEXT_CHARACTERS)).problem is None
    assert read(a_message("x" * (TEXT_CHARACTERS + 1))).problem == "text_too_long"
    room = HEADER_BYTES - 1_000
    assert read(a_message("x", headers=f"X: {'a' * room}\n")).problem is None
    assert Reading.of(read(a_message("x" * 0, subject=""))).problem is None


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
