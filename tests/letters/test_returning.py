"""A letter comes back to an address of its own, which names it."""

import pytest

from letters.compose import message_id
from letters.plain import PLAIN_ADDRESS
from letters.returning import return_path, returned_message_id

HOME = "retour@echeance.example"
DOMAIN = "mail.echeance.example"
OWN_ID = message_id("CAR202400000001/reminder_30", secret=b"key", domain=DOMAIN)


def test_each_letter_has_a_return_path_that_can_be_written_to() -> None:
    path = return_path(HOME, OWN_ID)
    assert PLAIN_ADDRESS.fullmatch(path)
    assert path.startswith("retour+")
    assert path.endswith("@echeance.example")


@pytest.mark.parametrize("change", [str, str.upper, str.title])
def test_a_return_path_names_its_letter_whatever_a_relay_did_to_its_case(
    change: "type[str]",
) -> None:
    path = change(return_path(HOME, OWN_ID))
    assert returned_message_id(path, HOME, DOMAIN) == OWN_ID


@pytest.mark.parametrize(
    "address",
    [
        HOME,
        "retour+@echeance.example",
        "autre+abc@echeance.example",
        "retour+abc@ailleurs.example",
        "retourabc@echeance.example",
        "nadia@courriel.example",
        "",
    ],
)
def test_any_other_address_names_no_letter(address: str) -> None:
    assert returned_message_id(address, HOME, DOMAIN) is None
