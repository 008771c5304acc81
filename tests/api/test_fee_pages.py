"""An officer adopts next year's amount: written, looked at, adopted, withdrawn."""

from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import httpx2
import pytest

from api.language import Language
from letters.wording import LANGUAGES
from records.money import FeeAct
from rules.fees import next_indexation
from tests.api.doors import Doors
from tests.api.providers import Browser
from tests.api.reading import read

PAGE = "/fr/bureau/tarifs"


@pytest.fixture
async def claire(portal: Doors) -> AsyncIterator[Browser]:
    browser = Browser(portal)
    await browser.sign_in("office", "claire")
    yield browser
    await browser.close()


async def sent(
    browser: Browser, step: str, path: str = PAGE, **answers: str
) -> httpx2.Response:
    return await browser.send(path, step=step, **{"key": "abcd1234", **answers})


def an_amount(portal: Doors, **changes: str) -> dict[str, str]:
    return {
        "operation": "renewal",
        "debut": next_indexation(portal.today).isoformat(),
        "montant": "190,00",
        "source": "Gazette officielle, 20 février 2027, p. 143",
        **changes,
    }


async def test_an_amount_is_adopted_after_it_was_looked_at_and_can_be_withdrawn(
    portal: Doors, claire: Browser
) -> None:
    read(await claire.go(PAGE), "fr")
    checked = await sent(claire, "check", **an_amount(portal))
    read(checked, "fr")
    assert "190,00" in checked.text
    assert await portal.office.rows(FeeAct) == []
    adopted = await sent(claire, "send", **an_amount(portal))
    assert adopted.headers["location"] == f"{PAGE}?fait=adopted"
    (act,) = await portal.office.rows(FeeAct)
    assert (act.cents, act.by) == (19000, "staff:claire")
    assert act.told_at is not None
    shown = await claire.go(f"{PAGE}?fait=adopted")
    read(shown, "fr")
    assert "Le montant est adopté." in shown.text
    assert "Retirer ce montant" in shown.text
    # Pressed twice, or gone back to: adopted once.
    for again in (
        await sent(claire, "send", **an_amount(portal)),
        await claire.go(f"{PAGE}?etape=verifier"),
    ):
        assert again.headers["location"] == f"{PAGE}?fait=adopted"
    assert len(await portal.office.rows(FeeAct)) == 1
    fee = an_amount(portal)
    withdrawn = await sent(
        claire,
        "send",
        f"{PAGE}/retrait",
        operation=fee["operation"],
        debut=fee["debut"],
    )
    assert withdrawn.headers["location"] == f"{PAGE}?fait=withdrawn"
    assert "Retirer ce montant" not in (await claire.go(PAGE)).text


async def test_what_looks_wrong_is_said_before_it_is_adopted(
    portal: Doors, claire: Browser
) -> None:
    odd = an_amount(portal, montant="150.50")
    text = unescape((await sent(claire, "check", **odd)).text)
    assert "À regarder deux fois" in text
    assert "C'est moins que le montant de la veille" in text
    assert "nombre entier de dollars" in text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"operation": "gift"}, "operation"),
        ({"debut": "1er juillet"}, "debut"),
        ({"debut": "2020-07-01"}, "debut"),
        ({"montant": "beaucoup"}, "montant"),
        ({"montant": "1"}, "montant"),
        ({"source": "x"}, "source"),
    ],
    ids=str,
)
@pytest.mark.parametrize("step", ["check", "send"])
async def test_a_wrong_answer_is_named_and_nothing_is_adopted(
    portal: Doors, claire: Browser, changes: dict[str, str], field: str, step: str
) -> None:
    answer = await sent(claire, step, **an_amount(portal, **changes))
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert await portal.office.rows(FeeAct) == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_says_an_unknown_amount_is_the_last_known_one(
    claire: Browser, language: Language
) -> None:
    text = (await claire.go(f"/{language}/bureau/tarifs")).text
    said = {"fr": "dernier connu, indexé le 1er juillet", "en": "last known, indexed"}
    assert said[language] in text


async def test_only_officers_see_and_adopt_amounts(portal: Doors) -> None:
    alex = Browser(portal)
    await alex.sign_in("personne", "alex")
    for answer in (
        await alex.go(PAGE),
        await sent(alex, "send", **an_amount(portal)),
        await portal.ask("GET", PAGE),
    ):
        assert answer.status_code in {303, 403}
    await alex.close()
    assert await portal.office.rows(FeeAct) == []


async def test_an_invoice_is_paid_at_the_amount_of_the_day_it_is_paid(
    portal: Doors, claire: Browser
) -> None:
    tomorrow = portal.today + timedelta(days=1)
    await sent(claire, "send", **an_amount(portal, debut=tomorrow.isoformat()))
    start = await claire.go("/fr")
    assert "190,00" not in start.text
