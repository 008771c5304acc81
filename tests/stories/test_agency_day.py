"""An agency's day in a real browser: what it answers, whom it sees, what it takes."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from api.language import Language
from embedded.casting import account_of
from embedded.stack import EmbeddedStack
from embedded.theatre import AGENCY, Theatre
from rules.dossier import Phase
from rules.numbers import DossierNumber
from tests.browser import a_browser, go_back
from tests.stories.test_journeys import Visit, a_visit

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.timeout(240)]

WORDS: dict[Language, dict[str, str]] = {
    "fr": {
        "refuse": "Refuser le lien",
        "choose": "Choisissez votre réponse",
        "say_why": "Dites pourquoi",
        "people": "Vos représentants",
        "check": "Vérifier une liste de certificats",
        "check_go": "Vérifier",
        "answers_file": "Télécharger ces réponses (CSV)",
        "list_file": "Télécharger la liste (CSV)",
        "not_read": "1 que nous ne pouvons pas lire",
        "make_address": "Créer mon adresse",
        "end": "Déclarer la fin du lien",
        "in_time": "dans les 15 jours prévus",
        "ended": "La fin du lien est inscrite",
    },
    "en": {
        "refuse": "Refuse the affiliation",
        "choose": "Choose your answer",
        "say_why": "Say why",
        "people": "Your representatives",
        "check": "Check a list of certificates",
        "check_go": "Check",
        "answers_file": "Download these answers (CSV)",
        "list_file": "Download the list (CSV)",
        "not_read": "1 that we cannot read",
        "make_address": "Make my address",
        "end": "Report the end of the affiliation",
        "in_time": "within the 15 days",
        "ended": "The end of the affiliation is noted",
    },
}


@dataclass(frozen=True)
class People:
    """Whom the agency hears of: two who ask, two who hold a certificate."""

    wanted: DossierNumber
    unknown: DossierNumber
    soon: DossierNumber
    later: DossierNumber


class AgencyVisit(Visit):
    """Somebody of the agency at their screen."""

    def said(self, key: str) -> str:
        return WORDS[self.language].get(key) or super().said(key)

    async def file(self, way: str, key: str) -> Sequence[str]:
        """Take the file behind a link or a button; give its lines."""
        one = self.page.get_by_role("link" if way == "link" else "button")
        async with self.page.expect_download() as coming:
            await one.filter(has_text=self.said(key)).click()
        taken = Path(await (await coming.value).path())
        text = await asyncio.to_thread(taken.read_text, encoding="utf-8-sig")
        return text.splitlines()

    async def open_link_of(self, number: str) -> None:
        await self.go("/agence")
        row = self.page.locator("main tr").filter(has_text=number)
        await row.get_by_role("link").click()


async def place_people(theatre: Theatre, language: Language) -> People:
    stage = theatre.stage()
    asking: list[DossierNumber] = []
    for name in ("Alice", "Bruno"):
        number = await theatre.open_dossier(stage, f"{name} Roy-{language}")
        await theatre.pass_exam(number, stage.today - timedelta(days=30))
        await theatre.ask_for_link(number)
        asking.append(number)
    later = await theatre.place_holder(stage, f"Carla Roy-{language}", days_left=300)
    soon = await theatre.place_holder(stage, f"David Roy-{language}", days_left=20)
    return People(asking[0], asking[1], soon, later)


@pytest.mark.parametrize(("language", "width"), [("fr", 320), ("en", 1200)])
async def test_an_agency_answers_sees_who_is_urgent_takes_files_and_ends_a_link(
    stack: EmbeddedStack, theatre: Theatre, language: Language, width: int
) -> None:
    await theatre.place_agency(AGENCY, account=account_of("boreal"))
    people = await place_people(theatre, language)
    async with (
        a_browser() as browser,
        a_visit(browser, stack, language, width=width) as visit,
    ):
        agency = AgencyVisit(visit.page, visit.language, visit.url)
        await agency.sign_in("agency", "boreal")
        await agency.reads("people")
        await agency.is_fit()
        assert await who_is_shown(agency.page, people) == [
            {people.wanted, people.unknown},
            people.soon,
            people.later,
        ]
        await confirms(agency, theatre, people.wanted)
        await refuses(agency, theatre, people.unknown)
        await checks_a_list(agency, people)
        listed = await list_of(agency)
        assert [line.split(",")[0] for line in listed[1:]].count(people.soon) == 1
        assert people.unknown not in "\n".join(listed)
        await follows_a_calendar(agency, people)
        await ends(agency, theatre, people.later)


async def who_is_shown(
    page: Page, people: People
) -> list[DossierNumber | set[DossierNumber]]:
    """Read the list from its top: who must be answered first, in no order of ours."""
    text = await page.locator("main tbody").inner_text()
    found = [DossierNumber(each) for each in re.findall(r"CAR\w{12}", text)]
    mine = [each for each in found if each in vars(people).values()]
    return [set(mine[:2]), *mine[2:]]


async def confirms(
    agency: AgencyVisit, theatre: Theatre, number: DossierNumber
) -> None:
    await agency.open_link_of(number)
    await agency.press("go_on")
    await agency.reads("choose")
    await expect(agency.page.locator(".summary")).to_be_focused()
    await agency.is_fit()
    await agency.page.locator("#reponse-confirmer").check()
    await agency.page.locator("#jour").fill(theatre.stage().today.isoformat())
    await agency.press("go_on")
    await agency.is_fit()
    await agency.press("confirm")
    await agency.reads("done")
    # Back, nothing is sent again: it is done.
    await go_back(agency.page)
    await agency.reads("done")
    links = (await theatre.state(number))["dossier"]["links"]
    assert [link["since"] for link in links] == [theatre.stage().today.isoformat()]


async def refuses(agency: AgencyVisit, theatre: Theatre, number: DossierNumber) -> None:
    await agency.open_link_of(number)
    await agency.page.locator("#reponse-refuser").check()
    await agency.press("go_on")
    await agency.reads("say_why")
    await agency.page.locator("#raison").fill("Personne inconnue chez nous.")
    await agency.press("go_on")
    main = agency.page.locator("main")
    await expect(main).to_contain_text("Personne inconnue chez nous.")
    await agency.press("refuse")
    await agency.reads("done")
    await theatre.settled([number])
    letters = await theatre.letters(number)
    assert "link_refused" in {letter["notice"] for letter in letters}


async def checks_a_list(agency: AgencyVisit, people: People) -> None:
    await agency.follow("check")
    await agency.page.locator("#liste").fill(f"{people.soon}\n{people.later}\nCAR1")
    await agency.press("check_go")
    await agency.reads("not_read")
    await agency.is_fit()
    lines = await agency.file("button", "answers_file")
    assert [people.soon in line for line in lines[1:]] == [True, False, False]


async def list_of(agency: AgencyVisit) -> Sequence[str]:
    await agency.go("/agence")
    return await agency.file("link", "list_file")


async def follows_a_calendar(agency: AgencyVisit, people: People) -> None:
    await agency.go("/agence/calendrier")
    await agency.press("make_address")
    address = await agency.page.locator(".secret code").inner_text()
    await agency.is_fit()
    answer = await agency.page.request.get(address)
    assert answer.headers["content-type"].startswith("text/calendar")
    told = (await answer.text()).replace("\r\n ", "")
    assert people.soon in told
    assert "Roy" not in told


async def ends(agency: AgencyVisit, theatre: Theatre, number: DossierNumber) -> None:
    await agency.open_link_of(number)
    until = theatre.stage().today - timedelta(days=3)
    await agency.page.locator("#fin").fill(until.isoformat())
    await agency.press("go_on")
    await agency.reads("in_time")
    await agency.is_fit()
    await agency.press("end")
    await agency.reads("ended")
    await theatre.until(number, Phase.SUSPENDED)
