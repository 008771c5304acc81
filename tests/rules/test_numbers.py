"""Dossier and permit numbers: what is read, what is asked, what is never guessed."""

import doctest
import pickle
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import numbers
from rules.numbers import (
    BadNumber,
    NumberProblem,
    find_dossier_numbers,
    find_suspicious_numbers,
    parse_dossier_number,
    parse_permit_number,
)

SPACES = " \t\n\u00a0\u2009\u202f\u3000"
INVISIBLE = "\u200b\u2060\ufeff"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\ufe58\uff0d"
SERIAL = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

dossier_numbers = st.from_regex(r"CAR20[0-9]{2}[0-9A-Z]{8}", fullmatch=True).filter(
    str.isascii
)
# In a sentence a group of letters alone may be a word: here each group has a figure.
figures = st.from_regex(r"[0-9][0-9A-Z]{3}", fullmatch=True).filter(str.isascii)
layouts = st.sampled_from(
    ["{p}{y}{a}{b}", "{p}{y} {a}{b}", "{p} {y} {a}{b}", "{p} {y} {a} {b}"]
)
words = st.sampled_from(["et", "merci", "2", "fois", "le", "12", "files", "and", "à"])


@st.composite
def renderings(draw: st.DrawFn) -> tuple[str, str]:
    """Write a number with spaces, dashes and either case thrown in anywhere."""
    number = draw(dossier_numbers)
    noise = st.text(SPACES + INVISIBLE + DASHES, max_size=3)
    cased = [draw(st.sampled_from([char, char.lower()])) for char in number]
    return number, draw(noise) + "".join(char + draw(noise) for char in cased)


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, str]:
    """Write a number as a person would, and return it with its one true reading."""
    year = f"20{draw(st.integers(10, 99))}"
    first, last = draw(figures), draw(figures)
    between = draw(st.sampled_from([" ", "-", "\u00a0", "\u2011", " - "]))
    layout = draw(layouts).replace(" ", between)
    written = layout.format(p="CAR", y=year, a=first, b=last)
    return f"CAR{year}{first}{last}", draw(st.sampled_from([written, written.lower()]))


def read(parse: Callable[[str], str], text: str) -> str | None:
    """Read *text*, or return None when it is refused as a bad number."""
    try:
        return parse(text)
    except BadNumber:
        return None


def test_every_example_of_the_module_is_true() -> None:
    results = doctest.testmod(numbers)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("CAR202600012345", "CAR202600012345"),
        ("car202600012345", "CAR202600012345"),
        ("  CAR 2026 0001 2345\n", "CAR202600012345"),
        ("CAR2026-00012345", "CAR202600012345"),
        ("CAR2026\u20110001\u22122345", "CAR202600012345"),
        ("CAR\u00a02026\u202f0001\u30002345", "CAR202600012345"),
        ("\ufeffCAR2026\u200b00012345", "CAR202600012345"),
        ("car2026oilabcde", "CAR2026OILABCDE"),  # letters of the serial stay letters
        ("CAR200000000000", "CAR200000000000"),
    ],
)
def test_a_number_is_read_whatever_its_case_spaces_and_dashes(
    text: str, number: str
) -> None:
    assert parse_dossier_number(text) == number


@pytest.mark.parametrize(
    ("text", "problem", "detail"),
    [
        ("", NumberProblem.EMPTY, ""),
        (" \u00a0-\u200b\u2014 ", NumberProblem.EMPTY, ""),
        ("CAR20260001234", NumberProblem.TOO_SHORT, "14"),
        ("CAR2026000123456", NumberProblem.TOO_LONG, "16"),
        ("C", NumberProblem.TOO_SHORT, "1"),
        ("CCV202600012345", NumberProblem.WRONG_PREFIX, "CCV"),
        ("ccv 2026 0001 2345", NumberProblem.WRONG_PREFIX, "CCV"),
        ("C4R202600012345", NumberProblem.WRONG_PREFIX, "C4R"),
        ("202600012345CAR", NumberProblem.WRONG_PREFIX, "202"),
        ("CAR192600012345", NumberProblem.WRONG_YEAR, "1926"),
        ("CAR210000012345", NumberProblem.WRONG_YEAR, "2100"),
        ("CAR20X600012345", NumberProblem.WRONG_YEAR, "20X6"),
        ("CAR2O2600012345", NumberProblem.LOOKALIKE, "O"),
        ("car2o2600012345", NumberProblem.LOOKALIKE, "o"),
        ("CAR202I00012345", NumberProblem.LOOKALIKE, "I"),
        ("CAR20l600012345", NumberProblem.LOOKALIKE, "l"),
        ("\u0421AR202600012345", NumberProblem.LOOKALIKE, "\u0421"),  # Cyrillic
        ("CAR2026\u041e0012345", NumberProblem.LOOKALIKE, "\u041e"),  # Cyrillic
        ("CAR2026\u039f0012345", NumberProblem.LOOKALIKE, "\u039f"),  # Greek
        ("CAR2026\uff10\uff10012345", NumberProblem.LOOKALIKE, "\uff10"),  # full width
        ("CAR2026\u0660\u0660012345", NumberProblem.LOOKALIKE, "\u0660"),  # Arabic
        ("CAR2026\u0131ABCDEFG", NumberProblem.LOOKALIKE, "\u0131"),  # dotless i
        ("CAR2026.0001.2345", NumberProblem.WRONG_CHARACTER, "."),
        ("CAR2026É0012345", NumberProblem.WRONG_CHARACTER, "É"),
        ("CAR2026ßABCDEF", NumberProblem.WRONG_CHARACTER, "ß"),  # no guess at SS
        ("CAR2026\x00ABCDEFG", NumberProblem.WRONG_CHARACTER, "\x00"),
    ],
)
def test_scenario_12_a_malformed_number_is_named_and_never_guessed(
    text: str, problem: NumberProblem, detail: str
) -> None:
    with pytest.raises(BadNumber) as bad:
        parse_dossier_number(text)
    assert (bad.value.problem, bad.value.detail) == (problem, detail)


def test_a_bad_number_says_its_problem_and_crosses_a_process() -> None:
    bad = BadNumber(NumberProblem.TOO_SHORT, "14")
    again = pickle.loads(pickle.dumps(bad))
    assert isinstance(bad, ValueError)
    assert str(again) == "too_short: 14"
    assert (again.problem, again.detail) == (NumberProblem.TOO_SHORT, "14")
    assert str(BadNumber(NumberProblem.EMPTY)) == "empty"


@given(renderings())
def test_any_rendering_of_a_number_is_read_as_that_number(
    rendering: tuple[str, str],
) -> None:
    number, text = rendering
    assert parse_dossier_number(text) == number


@given(dossier_numbers)
def test_a_number_read_again_is_itself(number: str) -> None:
    assert parse_dossier_number(parse_dossier_number(number)) == number


@given(dossier_numbers, st.integers(0, 14), st.characters() | st.sampled_from("OIl0 "))
def test_one_strange_character_in_place_of_another_is_never_repaired(
    number: str, at: int, char: str
) -> None:
    changed = number[:at] + char + number[at + 1 :]
    allowed = "CAR20"[at] if at < 5 else SERIAL[:10] if at < 7 else SERIAL
    stays = char.isascii() and char.upper() in allowed
    found = read(parse_dossier_number, changed)
    assert found == (changed.upper() if stays else None)


@given(st.text() | st.from_regex(r"\A\w{3}[0-9oOil]{4}\w{7,9}\Z"))
def test_no_text_is_read_as_anything_but_15_plain_characters(text: str) -> None:
    number = read(parse_dossier_number, text)
    assert number is None or re.fullmatch(r"CAR20[0-9]{2}[0-9A-Z]{8}", number)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mon dossier est le CAR202600012345.", ["CAR202600012345"]),
        ("CAR2026ABCD1234 et", ["CAR2026ABCD1234"]),
        ("CAR202600012345 2 fois", ["CAR202600012345"]),
        ("CAR 2026 0001 2345 2 fois", ["CAR202600012345"]),
        ("mon numéro: car 2026 0001 2345, merci", ["CAR202600012345"]),
        ("My file (CAR2026-00012345) is new", ["CAR202600012345"]),
        ("CAR-2026-0001-2345", ["CAR202600012345"]),
        ("CAR2026-ABCD-EFGH", ["CAR2026ABCDEFGH"]),
        ("CAR 2026 \u2013 0001 \u2013 2345", ["CAR202600012345"]),
        ("CAR\u00a02026\u202f0001\u20112345", ["CAR202600012345"]),
        ("CAR2026\u200b00012345", ["CAR202600012345"]),
        ("CAR2026ABCD\u200bEFGH", ["CAR2026ABCDEFGH"]),  # no one sees that gap
        ("CAR 202 600 012 345", ["CAR202600012345"]),
        ("CAR2026 00 01 23 45 svp", ["CAR202600012345"]),
        (
            "NºCAR202600012345, n°CAR202700012345",
            ["CAR202600012345", "CAR202700012345"],
        ),
        ("certificat_CAR202600012345_signé.pdf", ["CAR202600012345"]),
        ("CAR202600012345\u2014merci", ["CAR202600012345"]),
        ("CAR202600012345 2026-11-24", ["CAR202600012345"]),
        (
            "l'ancien CAR202400000001, le nouveau CAR202600012345 (et CAR202400000001)",
            ["CAR202400000001", "CAR202600012345"],
        ),
        ("CAR202600012345\r\nCAR202600012346", ["CAR202600012345", "CAR202600012346"]),
        ("CAR202600012345-CAR202600012346", ["CAR202600012345", "CAR202600012346"]),
        ("", []),
        ("Je viens car 2026 est une bonne année", []),
        ("une année de plus, car 2026 pour 2027", []),
        ("car 20 000 000 $ suffisent", []),
        ("CAROLINE1990 et OSCAR2026", []),
        ("CAR20" + "1" * 60, []),  # a key or a checksum
    ],
)
def test_numbers_are_found_in_a_sentence_and_nothing_else_is_asked(
    text: str, found: list[str]
) -> None:
    assert list(find_dossier_numbers(text)) == found
    assert find_suspicious_numbers(text) == ()


@pytest.mark.parametrize(
    ("text", "suspicious"),
    [
        ("le CAR20260001234.", "CAR20260001234"),  # 14
        ("le CAR2026000123456.", "CAR2026000123456"),  # 16
        ("le CAR 2026 0001 23456.", "CAR 2026 0001 23456"),  # 16
        ("le CAR2O2600012345", "CAR2O2600012345"),
        ("le CAR 2O26 0001 2345", "CAR 2O26 0001 2345"),
        ("le car20l600012345", "car20l600012345"),
        ("le \u0421AR202600012345", "\u0421AR202600012345"),  # Cyrillic
        ("le \uff23\uff21\uff32202600012345", "\uff23\uff21\uff32202600012345"),
        ("le CCV202600012345", "CCV202600012345"),
        ("le CAR199600012345", "CAR199600012345"),
        ("le dossierCAR202600012345", "dossierCAR202600012345"),
        ("le CAR2026ABCD123E\u0301", "CAR2026ABCD123E\u0301"),  # É in two characters
        # The next figures and words of the sentence are no part of a short number…
        ("CAR20260001234 2 fois", "CAR20260001234"),
        ("CAR2026000123 24 décembre", "CAR2026000123"),
        ("CAR2026000123 et", "CAR2026000123"),
        ("CAR2026000123\u2014et", "CAR2026000123"),
        ("CAR20260001234 AVEC UN MOT", "CAR20260001234"),
        ("CAR20260001234 20262027", "CAR20260001234"),
        ("CAR20260001\t2345", "CAR20260001"),  # the next column
        ("CAR20260001    2345", "CAR20260001"),
        ("CAR2026 0001\n2345 rue Principale", "CAR2026 0001"),
        # … and where they could be, the person is asked.
        ("CAR 2026 ABCD 1234", "CAR 2026 ABCD 1234"),
        ("CAR2026-0001-ABCDE", "CAR2026-0001-ABCDE"),
        ("CAR2026-0001-ABCDEFGH", "CAR2026-0001"),
        ("CAR202600012345-2", "CAR202600012345-2"),
    ],
)
def test_scenario_12_what_only_looks_like_a_number_is_asked_and_not_found(
    text: str, suspicious: str
) -> None:
    assert find_dossier_numbers(text) == ()
    assert find_suspicious_numbers(text) == (suspicious,)


def test_a_short_number_does_not_hide_the_good_one_after_it() -> None:
    text = "CAR20260001234 CAR202600012345, pas CAR20260001234"
    assert find_dossier_numbers(text) == ("CAR202600012345",)
    assert find_suspicious_numbers(text) == ("CAR20260001234",)


@given(planted(), st.lists(words, max_size=4), st.lists(words, max_size=4))
def test_a_number_is_found_among_words_and_figures(
    number: tuple[str, str], before: list[str], after: list[str]
) -> None:
    true, written = number
    assert find_dossier_numbers(" ".join([*before, written, *after])) == (true,)


@given(st.lists(planted(), max_size=5))
def test_numbers_are_found_in_their_order_and_each_once(
    plants: list[tuple[str, str]],
) -> None:
    text = " ; ".join(written for _, written in plants)
    assert find_dossier_numbers(text) == tuple(dict.fromkeys(n for n, _ in plants))


near_numbers = st.lists(
    st.sampled_from(["CAR", "car", "CCV", "2026", "2O26", "CAR2026", "0001", "ABCD"])
    | st.sampled_from(["et", "2", " ", "-", "\n", "\u200b", ". "])
).map("".join)


@given(st.text() | near_numbers, planted(), st.text() | near_numbers)
def test_any_text_around_a_number_leaves_it_found(
    before: str, number: tuple[str, str], after: str
) -> None:
    true, written = number
    assert true in find_dossier_numbers(f"{before}. {written}, {after}")


@given(st.text() | near_numbers)
def test_what_is_found_is_written_there_and_is_never_also_asked(text: str) -> None:
    letters = re.sub(r"[^0-9A-Z]", "", text.upper())
    found = find_dossier_numbers(text)
    asked = find_suspicious_numbers(text)
    for number in found:
        assert parse_dossier_number(number) == number
        assert number in letters
    assert len(set(found)) == len(found)
    assert len(set(asked)) == len(asked)
    assert all(passage in text for passage in asked)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", "7"),
        ("  ra 12\u00a0 345 ", "RA 12 345"),
        ("119\u2013123.4/b", "119-123.4/B"),
        ("1" * 20, "1" * 20),
        ("\u200b12\ufeff3\u00ad4", "1234"),
    ],
)
def test_a_permit_number_is_kept_as_it_is_in_upper_case(text: str, number: str) -> None:
    assert parse_permit_number(text) == number


@pytest.mark.parametrize(
    ("text", "problem", "detail"),
    [
        ("", NumberProblem.EMPTY, ""),
        ("\u00a0 \n", NumberProblem.EMPTY, ""),
        ("1" * 21, NumberProblem.TOO_LONG, "21"),
        ("12_3", NumberProblem.WRONG_CHARACTER, "_"),
        ("12#3", NumberProblem.WRONG_CHARACTER, "#"),
        ("É12", NumberProblem.WRONG_CHARACTER, "É"),
        ("\uff11\uff12", NumberProblem.LOOKALIKE, "\uff11"),
        ("\u0410123", NumberProblem.LOOKALIKE, "\u0410"),  # Cyrillic
    ],
)
def test_a_permit_number_that_no_register_could_hold_is_named(
    text: str, problem: NumberProblem, detail: str
) -> None:
    with pytest.raises(BadNumber) as bad:
        parse_permit_number(text)
    assert (bad.value.problem, bad.value.detail) == (problem, detail)


@given(st.text() | st.text(SERIAL + SERIAL.lower() + "-./ " + DASHES + SPACES))
def test_a_permit_number_read_again_is_itself(text: str) -> None:
    number = read(parse_permit_number, text)
    if number is not None:
        assert parse_permit_number(number) == number
        assert re.fullmatch(r"[0-9A-Z./ -]{1,20}", number)
        assert number == " ".join(number.split())
