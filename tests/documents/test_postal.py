"""Letters for the post: the words of the e-mail, on paper that fits an envelope."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from documents.postal import Block, Piece, PostalLetter, blocks, postal_letter
from documents.wording import Language, words_of
from rules.numbers import DossierNumber
from tests.documents.reading import opened, squeezed

SNAPSHOTS = Path(__file__).parents[1] / "letters" / "snapshots"
NASTY = ("#let x = 1", "$x^2$", "@label", "*gras*", "_it_", "\\", "`raw`", "<b>", "= H")
FOOT = re.compile(r"(?:Dossier|File)CAR[0-9]{12}[0-9]/[0-9]")
DOTS = 100


def a_letter(
    notice: str = "expired", language: Language = "fr", **changes: object
) -> PostalLetter:
    """Take a letter as it was sent by e-mail, for somebody whose address is known."""
    sent = (SNAPSHOTS / f"{notice}.{language}.txt").read_text(encoding="utf-8")
    subject, _, body = sent.partition("\n\n")
    letter = PostalLetter(
        language=language,
        dossier=DossierNumber("CAR202400012345"),
        recipient_name="Nadia Tremblay-Côté",
        recipient_address_lines=("5, rue de l'Église", "Québec (Québec) G1A 1A1"),
        sent_on=date(2026, 12, 10),
        written_on=date(2026, 12, 11),
        subject=subject,
        body_text=body,
        office_name="Office de la protection du consommateur",
        office_address_lines=("100, rue Exemple", "Québec (Québec) G1B 1B1"),
    )
    return replace(letter, **changes)  # type: ignore[arg-type] # any field, by its name


@pytest.mark.parametrize("file", sorted(SNAPSHOTS.glob("*.txt")), ids=lambda f: f.stem)
def test_every_letter_can_be_printed_with_all_its_words(file: Path) -> None:
    notice, _, language = file.stem.rpartition(".")
    letter = a_letter(notice, "fr" if language == "fr" else "en")
    document = opened(postal_letter(letter))
    assert document.language == f"{language}-CA"
    assert document.title == letter.subject
    told = FOOT.sub("", squeezed(document.text()))
    for words in (letter.subject, *said_by(letter.body_text)):
        assert squeezed(words) in told


def said_by(text: str) -> list[str]:
    return [said for block in blocks(text) for said in block.texts]


def test_the_layout_of_the_plain_text_is_kept() -> None:
    letter = a_letter("refused", "en")
    roles = opened(postal_letter(letter)).roles
    assert roles.count("/L") == 3
    assert roles.count("/LI") == 9
    assert roles.count("/BlockQuote") == 1
    kinds = [block.kind for block in blocks(letter.body_text)]
    assert kinds.count(Piece.PARAGRAPH) == len(kinds) - 4


PARAGRAPH, QUOTATION = Piece.PARAGRAPH, Piece.QUOTATION
BULLETS, NUMBERS = Piece.BULLETS, Piece.NUMBERS


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "Un\ndeux\n\ntrois",
            [Block(PARAGRAPH, ("Un deux",)), Block(PARAGRAPH, ("trois",))],
        ),
        ("- a\n  b\n- c", [Block(BULLETS, ("a b", "c"))]),
        ("- a\n\n- c", [Block(BULLETS, ("a", "c"))]),
        ("9. a\n   b\n10. c\n    d", [Block(NUMBERS, ("a b", "c d"), 9)]),
        ("1. a\n1. b", [Block(NUMBERS, ("a",), 1), Block(NUMBERS, ("b",), 1)]),
        (
            "Dit :\n    x\n    y",
            [Block(PARAGRAPH, ("Dit :",)), Block(QUOTATION, ("x y",))],
        ),
        (
            "    x\n\n    y",
            [Block(QUOTATION, ("x",)), Block(QUOTATION, ("y",))],
        ),
        ("- a\n    x", [Block(BULLETS, ("a",)), Block(QUOTATION, ("x",))]),
        ("a\r\nb\r\n\r\n\u202e\r\n", [Block(PARAGRAPH, ("a b",))]),
    ],
)
def test_the_plain_text_is_read_back(text: str, read: list[Block]) -> None:
    assert list(blocks(text)) == read


@pytest.mark.parametrize("known", [True, False], ids=["address", "no address"])
def test_the_window_of_an_envelope_shows_the_recipient_and_nothing_else(
    known: bool,
) -> None:
    letter = a_letter()
    if not known:
        letter = replace(letter, recipient_address_lines=())
    page = opened(postal_letter(letter)).picture(DOTS)
    assert page.size == (850, 1100)
    # In inches: the window of a No. 10 envelope over a sheet folded in three, as far
    # as the sheet can slide to either side and up or down.
    assert not ink(page, 0, 1.85, 8.5, 2.2)
    assert ink(page, 0.9, 2.2, 4.3, 3.2)
    assert not ink(page, 4.35, 1.85, 8.5, 3.6)
    assert not ink(page, 0, 3.3, 8.5, 3.6)
    assert ink(page, 0.9, 3.6, 8.5, 4.1)


def ink(page: Image.Image, left: float, top: float, right: float, foot: float) -> bool:
    place = (left * DOTS, top * DOTS, right * DOTS, foot * DOTS)
    return ImageOps.invert(page).crop(place).getbbox() is not None


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_address_that_is_not_known_leaves_room_to_write_it(
    language: Language,
) -> None:
    letter = a_letter(language=language, recipient_address_lines=())
    told = opened(postal_letter(letter)).text()
    assert words_of("postal", language)("no_address") in told
    assert "Nadia Tremblay-Côté" in told


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "envoyée par courriel le jeudi 10 décembre 2026"),
        ("en", "sent to you by e-mail on Thursday, December 10, 2026"),
    ],
)
def test_it_says_that_it_was_sent_by_e_mail_first_and_came_back(
    language: Language, said: str
) -> None:
    told = opened(postal_letter(a_letter(language=language))).text()
    assert said in told
    assert [foot[-3:] for foot in FOOT.findall(squeezed(told))] == ["1/2", "2/2"]


def test_the_same_letter_has_the_same_bytes() -> None:
    first = postal_letter(a_letter())
    assert postal_letter(a_letter()) == first
    later = a_letter(written_on=date(2026, 12, 12))
    assert postal_letter(later) != first


@pytest.mark.parametrize("written", NASTY)
def test_what_somebody_typed_is_text_and_never_markup(written: str) -> None:
    letter = a_letter(
        recipient_name=f"Zoé {written}",
        recipient_address_lines=(f"{written} 5",),
        subject=f"Objet {written}",
        body_text=f"Bonjour,\n\nVu : {written}\n\n- {written}\n\n    {written}",
    )
    told = squeezed(opened(postal_letter(letter)).text())
    assert told.count(squeezed(written)) == 6


def test_what_no_font_can_show_is_a_box_and_the_rest_is_read() -> None:
    letter = a_letter(body_text="Bonjour,\n\nMerci 😀 du 中文, à vendredi.")
    told = opened(postal_letter(letter)).text()
    assert "Merci □ du □□, à vendredi." in told


def test_a_text_without_end_is_printed_within_its_margins() -> None:
    letter = a_letter(
        recipient_name="N" * 300,
        recipient_address_lines=tuple("rue " * 100 for _ in range(9)),
        subject="S" * 900,
        body_text=f"{'x' * 2000}\n\n- {'y' * 500}",
        office_name="O" * 200,
    )
    page = opened(postal_letter(letter)).picture(DOTS)
    assert not ink(page, 7.6, 0, 8.5, 11)
