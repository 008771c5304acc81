"""The certificate on paper: what it says, to whom, and the code that leads back."""

import doctest
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from string import Formatter
from types import ModuleType

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from documents import postal, wording
from documents import printable as printable_texts
from documents.certificate import (
    CertificateFacts,
    CertificateText,
    certificate_pdf,
    certificate_texts,
    verification_address,
)
from documents.printable import breakable, printable
from documents.typesetting import CannotPrint
from documents.wording import Language, words
from rules.dossier import Kind
from tests.documents.certificates import NUMBER, a_certificate
from tests.documents.reading import Document, opened, squeezed

DOTS = 144
POINTS = 72
NASTY = (
    *("#let x = 1", "$x^2$", "@label", "*gras*", "_it_", "\\", "`raw`", "<b>", "= H"),
    *("#sys.inputs", "//x", "/* x", "~", "--", "{name}", "%s", "&amp;", '"', "'"),
)


def said_by(text: CertificateText) -> list[str]:
    alone = (text.title, text.joined, text.check_title, text.check, text.scan)
    words = [
        *alone,
        text.signed,
        text.trial,
        *text.head,
        *chain.from_iterable(text.rows),
    ]
    return [said for said in words if said is not None]


@pytest.mark.parametrize(
    ("language", "texts"), [("fr", ["fr"]), ("en", ["fr", "en"])], ids=["fr", "en"]
)
def test_french_is_always_there_and_english_for_who_is_written_to_in_it(
    language: Language, texts: list[str]
) -> None:
    facts = a_certificate(language=language, edition=2, trial=True)
    document = opened(certificate_pdf(facts))
    assert len(document.pdf.pages) == 1
    assert document.language == "fr-CA"
    assert (
        document.title == f"Certificat de représentant d’agent de recouvrement {NUMBER}"
    )
    assert [text.language for text in certificate_texts(facts)] == texts
    told = squeezed(document.text())
    for text in certificate_texts(facts):
        for said in said_by(text):
            assert squeezed(said) in told
    english = {tag.lang for tag in document.tags} - {None}
    assert english == ({"en-CA"} if language == "en" else set())


def test_both_languages_say_the_same_entries() -> None:
    french, english = certificate_texts(a_certificate(language="en", edition=2))
    assert len(french.rows) == len(english.rows) == 7
    assert french.rows[0][1] == english.rows[0][1] == NUMBER
    assert french.rows[1][1] == english.rows[1][1] == "Nadia Tremblay-Côté"
    assert french.rows[3][1] == "samedi 9 décembre 2028, inclusivement"
    assert english.rows[3][1] == "Saturday, December 9, 2028, that day included"


@pytest.mark.parametrize("document", words())
def test_every_sentence_has_both_languages_and_the_same_facts(document: str) -> None:
    for key, said in words()[document].items():
        assert set(said) == {"fr", "en"}, key
        facts = [
            {name for _, name, _, _ in Formatter().parse(text) if name}
            for text in said.values()
        ]
        assert facts[0] == facts[1], key


def test_each_kind_of_certificate_has_its_own_words() -> None:
    for kind in Kind:
        assert {f"title_{kind}", f"allows_{kind}"} <= set(words()["certificate"])


@pytest.mark.parametrize("module", [postal, printable_texts, wording])
def test_the_examples_of_the_documentation_are_true(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_a_first_copy_does_not_speak_of_copies_nor_a_real_key_of_trials() -> None:
    (text,) = certificate_texts(a_certificate())
    assert text.trial is None
    assert len(text.rows) == 6


def test_the_table_is_read_by_its_heads_and_the_code_by_its_words() -> None:
    facts = a_certificate()
    document = opened(certificate_pdf(facts))
    assert [tag.role for tag in document.tags if tag.role == "/TH"] == ["/TH"] * 2
    assert document.roles.count("/TR") == 7
    (figure,) = (tag for tag in document.tags if tag.role == "/Figure")
    assert facts.address in str(figure.alt)
    assert document.roles.count("/Link") == 1
    english = opened(certificate_pdf(replace(facts, language="en")))
    assert english.roles.count("/Link") == 2


def test_the_same_facts_have_the_same_bytes() -> None:
    first = certificate_pdf(a_certificate())
    assert certificate_pdf(a_certificate()) == first
    for other in (
        a_certificate(holder_name="Nadia Tremblay-Coté"),
        a_certificate(edition=2),
        a_certificate(issued_at=datetime(2026, 12, 10, 15, 4, 6, tzinfo=UTC)),
        a_certificate(public_url="https://autre.example"),
    ):
        assert certificate_pdf(other) != first


# ------------------------------------------------------------------------- the QR code


QUIET = 4
"""Modules of margin around a code, in its picture."""


def seen_modules(document: Document) -> list[list[bool]]:
    """Look at the figure on the rendered page, a module at a time, as a camera does."""
    (figure,) = (tag for tag in document.tags if tag.role == "/Figure")
    assert figure.box is not None
    left, foot, right, top = (edge * DOTS / POINTS for edge in figure.box)
    page = document.picture(DOTS)
    count = len(segno.make(address_in(figure.alt), error="m", micro=False).matrix)
    step_x, step_y = (
        length / (count + 2 * QUIET) for length in (right - left, top - foot)
    )

    def is_dark(x: int, y: int) -> bool:
        across = left + (QUIET + x + 0.5) * step_x
        down = page.height - top + (QUIET + y + 0.5) * step_y
        shade = page.getpixel((round(across), round(down)))
        assert isinstance(shade, int)
        return shade < 128

    return [[is_dark(x, y) for x in range(count)] for y in range(count)]


def address_in(alt: str | None) -> str:
    return str(alt).rpartition(" ")[2]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("url", ["https://a.example/", "http://127.0.0.1:8000"])
def test_the_code_on_the_rendered_page_is_that_of_the_address(
    url: str, language: Language
) -> None:
    facts = a_certificate(public_url=url, language=language)
    seen = seen_modules(opened(certificate_pdf(facts)))
    expected = segno.make(facts.address, error="m", micro=False).matrix
    assert seen == [[bool(module) for module in row] for row in expected]
    other = verification_address(url, a_certificate().number[::-1])  # type: ignore[arg-type] # no number
    wrong = segno.make(other, error="m", micro=False).matrix
    assert seen != [[bool(module) for module in row] for row in wrong]


def test_the_address_is_short_and_names_the_number() -> None:
    address = verification_address("https://a.example/", NUMBER)
    assert address == f"https://a.example/v/{NUMBER}"


# ------------------------------------------------------------------- what people wrote


@pytest.mark.parametrize("written", NASTY)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_name_is_text_and_never_markup(written: str, language: Language) -> None:
    facts = a_certificate(holder_name=f"Zoé{written}Roy", language=language)
    told = squeezed(opened(certificate_pdf(facts)).text())
    assert told.count(squeezed(f"Zoé{written}Roy")) == (1 if language == "fr" else 2)


def test_marks_that_turn_a_text_round_are_not_printed() -> None:
    facts = a_certificate(holder_name="Zoé \u202eyoR\u202c\u2066\u200f\u0000\n\tRoy")
    assert "Zoé yoR Roy" in opened(certificate_pdf(facts)).text()


@pytest.mark.parametrize(
    "name",
    ["Ж" * 300, "W" * 300, "Marie-Ève " * 40, "של" * 80, f"{'a' * 79}é\u0301\u0302"],
    ids=["cyrillic", "wide", "words", "right to left", "marks"],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_name_without_end_is_cut_and_all_stays_on_one_page(
    name: str, language: Language
) -> None:
    facts = a_certificate(
        holder_name=name, language=language, edition=12, trial=True, office_name=name
    )
    document = opened(certificate_pdf(facts))
    assert len(document.pdf.pages) == 1
    page = document.picture(POINTS)
    beyond = page.crop((576, 0, 612, 792)).getextrema()
    assert beyond == (255, 255)  # nothing runs into the right margin


@pytest.mark.parametrize("name", ["王小明", "ᓄᓇᕕᒃ", "Zoé 😀"])
def test_a_name_that_no_font_can_show_is_left_to_a_person(name: str) -> None:
    with pytest.raises(CannotPrint) as caught:
        certificate_pdf(a_certificate(holder_name=name))
    assert caught.value.characters == {c for c in name if ord(c) > 0x1000}
    assert "王" not in str(caught.value)  # it may reach a log


@pytest.mark.parametrize(
    "name",
    ["Nguyễn Thị Hồng", "Łukasz Żółć", "Δημήτρης", "Дмитрий", "Xʷməθkʷəm", "Ōta"],
)
def test_names_of_many_alphabets_are_printed(name: str) -> None:
    facts: CertificateFacts = a_certificate(holder_name=name)
    assert name in opened(certificate_pdf(facts)).text()


@given(st.text(max_size=400), st.integers(1, 100))
def test_what_is_printable_is_one_line_that_fits_and_stays_the_same(
    text: str, limit: int
) -> None:
    kept = printable(text, limit=limit)
    assert len(kept) <= limit
    assert len(kept.splitlines()) <= 1
    assert kept == kept.strip()
    assert printable(kept, limit=limit) == kept
    assert breakable(kept).replace("\u200b", "") == kept
    assert max(map(len, breakable(kept).replace("\u200b", " ").split()), default=0) < 25
