"""Somebody else's addresses: nothing tells them from addresses that lead nowhere."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from api.access import Role
from records.models import FactRow, Person
from rules.numbers import DossierNumber
from tests.api.doors import Doors, open_doors, the_settings
from tests.api.knocking import (
    LETTER,
    LINK,
    OTHER_PERMIT,
    PERMIT,
    VISITORS,
    Visitor,
    addressed,
    furnish,
    heard,
    routes_of,
)
from tests.api.register import NOBODY, plant
from tests.dossiers import HOLDER, a_holder

MARCS = DossierNumber("CAR202400000007")
UNKNOWN_LINK = "link-9"
OUTSIDERS = [name for name in VISITORS if name not in {"officer", "decider"}]


@pytest.fixture
async def service(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    """Open the doors as in production; Marc has a dossier of his own."""
    settings = the_settings(
        database_url, tmp_path, "127.0.0.1:1", ECHEANCE_EMBEDDED="false"
    )
    async with open_doors(settings) as doors:
        await furnish(doors)
        await plant(doors, a_holder(number=MARCS, links=()), person="Marc Roy")
        marc = await doors.office.holder_of(MARCS)
        async with doors.parts.sessions.begin() as session:
            row = await session.get_one(Person, marc.person_id)
            row.sign_in_subject = "person:marc"
        yield doors


def private_routes(doors: Doors) -> list[tuple[str, str]]:
    """Each page of one dossier or one link; what the register says is for anybody."""
    return sorted(
        (method, path)
        for method, path in routes_of(doors.app)
        if re.search(r"\{(number|link_id)\b", path)
        and not path.startswith(("/api/", "/v/"))
    )


def shape(answer: httpx2.Response) -> tuple[int, dict[str, str], str]:
    """Give an answer without what differs between any two requests."""
    headers = {k: v for k, v in answer.headers.items() if k != "content-length"}
    text = answer.text
    for named in (HOLDER, NOBODY, LINK, UNKNOWN_LINK):
        text = text.replace(named, "…")
        headers = {k: v.replace(named, "…") for k, v in headers.items()}
    # One's own session, its token and until when it lasts; the minute it was printed.
    text = re.sub(r'(?s)<section class="session".*?</section>', "", text)
    text = re.sub(r'<p class="printed">.*?</p>', "", text)
    return answer.status_code, headers, text


async def test_anothers_address_answers_as_one_that_leads_nowhere(
    service: Doors,
) -> None:
    tried = 0
    for method, path in private_routes(service):
        theirs = addressed(path)
        nobodys = addressed(path, number=NOBODY, link_id=UNKNOWN_LINK)
        for name in OUTSIDERS:
            visitor = Visitor(service, name)
            answer = await visitor.ask(method, theirs)
            if heard(answer) == "yes":
                assert name.startswith("its "), (name, theirs)
                continue
            nowhere = await visitor.ask(method, nobodys)
            assert shape(answer) == shape(nowhere), (name, method, theirs)
            tried += 1
    assert tried > 40


async def test_a_filled_form_at_anothers_address_changes_nothing(
    service: Doors,
) -> None:
    forms: dict[str, tuple[str, dict[str, str]]] = {
        f"/fr/agence/lien/{LINK}": (
            "another agency",
            {"reponse": "terminer", "fin": "2026-11-26"},
        ),
        f"/fr/dossier/{HOLDER}/agence": ("another person", {"permis": PERMIT}),
        f"/fr/dossier/{HOLDER}/transfert": ("another person", {"certificat": MARCS}),
    }
    for address, (name, form) in forms.items():
        sent = {"step": "send", "key": "abcd1234", **form}
        answer = await Visitor(service, name).ask("POST", address, sent)
        assert answer.status_code == 404, address
    assert await service.office.rows(FactRow) == []


async def test_anothers_letter_is_not_read_through_ones_own_dossier(
    service: Doors,
) -> None:
    marc = Visitor(service, "another person")
    own = f"/fr/dossier/{MARCS}/lettre?key="
    answer = await marc.ask("GET", own + quote(LETTER, safe=""))
    nowhere = await marc.ask(
        "GET", own + quote(LETTER.replace(HOLDER, NOBODY), safe="")
    )
    assert shape(answer) == shape(nowhere)
    assert answer.status_code == 404


async def test_an_agencys_list_holds_its_own_people_only(service: Doors) -> None:
    for name, theirs in (("its agency", True), ("another agency", False)):
        for path in ("/fr/agence", "/fr/agence/liste.csv"):
            answer = await Visitor(service, name).ask("GET", path)
            assert answer.status_code == 200
            assert (HOLDER in answer.text) is theirs
            assert OTHER_PERMIT not in answer.text or not theirs


@pytest.mark.parametrize("role", [Role.REPRESENTATIVE, Role.AGENCY])
async def test_outside_of_the_one_machine_stack_no_token_speaks_for_a_person(
    service: Doors, role: Role
) -> None:
    service.tokens[role] = "of a person"
    answer = await service.ask("GET", "/api/v1/policy/CAR", role)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    for path in (f"/api/v1/dossiers/{HOLDER}", f"/api/v1/dossiers/{NOBODY}"):
        assert (await service.ask("GET", path, role)).status_code == 401
