"""How the words of a template are read and laid out."""

import pytest

from letters.layout import (
    COLUMNS,
    Block,
    Role,
    french_spacing,
    laid_out,
    read,
    unwrapped,
)

TEXT = """
Payez
au plus tard demain.

Bonjour,

Ce qu'il faut :
- un
  nombre
- une date

1. Ouvrez.
1. Payez.
Le montant suit.

    cité

    - encore cité

# Et ensuite?
Rien.
---
Source : x.
"""


def test_a_rendered_letter_is_read_into_its_parts() -> None:
    document = read(TEXT)
    assert document.headline == "Payez au plus tard demain."
    assert document.blocks == (
        Block(Role.PARAGRAPH, ("Bonjour,",)),
        Block(Role.PARAGRAPH, ("Ce qu'il faut :",)),
        Block(Role.BULLETS, ("un nombre", "une date")),
        Block(Role.STEPS, ("Ouvrez.", "Payez. Le montant suit.")),
        Block(Role.QUOTATION, ("cité", "- encore cité")),
        Block(Role.HEADING, ("Et ensuite?",)),
        Block(Role.PARAGRAPH, ("Rien.",)),
    )
    assert document.foot == (Block(Role.PARAGRAPH, ("Source : x.",)),)


def test_steps_are_numbered_and_a_heading_stays_with_its_paragraph() -> None:
    text = laid_out(read(TEXT))
    assert "1. Ouvrez.\n2. Payez. Le montant suit.\n" in text
    assert "\n\nEt ensuite?\nRien.\n\nSource : x.\n" in text
    assert "    cité\n\n    - encore cité\n" in text
    assert "---" not in text


def test_a_long_item_is_set_in_and_an_address_stays_whole() -> None:
    address = "https://echeance.example/" + "a" * 80
    lines = laid_out(read(f"Lisez.\n\n- {'mot ' * 30}\n- {address}")).splitlines()
    assert lines[2] == "- " + ("mot " * 18).strip()
    assert lines[3].startswith("  mot")
    assert address in {line.strip("- ") for line in lines}
    assert all(len(line) <= COLUMNS for line in lines if address not in line)


def test_a_screen_gets_each_paragraph_and_each_item_on_one_line() -> None:
    words = ("mot " * 40).strip()
    text = laid_out(read(f"Lisez.\n\n- {words}\n- court\n\n{words}\n\nFin."))
    assert len(text.splitlines()) > 10
    assert unwrapped(text).splitlines() == [
        *("Lisez.", "", f"- {words}", "- court", "", words, "", "Fin.")
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "- un", "# titre", "    cité"])
def test_a_letter_that_does_not_open_with_what_to_do_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="what to do"):
        read(text)


def test_french_signs_do_not_part_from_their_word() -> None:
    assert french_spacing("Prix : 5 $, « dit »") == (
        "Prix\u00a0: 5\u00a0$, «\u00a0dit\u00a0»"
    )
