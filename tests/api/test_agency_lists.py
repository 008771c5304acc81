"""An agency checks a list: each line answered, on the page and as a file."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from api.signin.cookies import form_token_of
from tests.api.doors import Doors, knocking_at, open_doors, the_settings
from tests.api.knocking import Visitor, furnish
from tests.api.reading import Read, read
from tests.api.register import NOBODY
from tests.dossiers import HOLDER

HERE = "/fr/agence/verifier"
LIST = f"numéro\n{HOLDER}\n\nCAR2024\n{NOBODY}\n=2+3\n"


@pytest.fixture
async def service(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    settings = the_settings(database_url, tmp_path, "127.0.0.1:1")
    async with open_doors(settings) as doors:
        await furnish(doors)
        yield doors


async def checked(doors: Doors, **form: str) -> httpx2.Response:
    return await Visitor(doors, "its agency").ask("POST", HERE, form)


def cells_of(page: Read) -> list[str]:
    return [text.strip() for text in page.texts["td"]]


async def test_each_line_is_answered_beside_what_was_written(service: Doors) -> None:
    answer = await checked(service, liste=LIST)
    assert answer.status_code == 200
    page = read(answer, "fr")
    cells = cells_of(page)
    assert len(cells) == 4 * 4
    assert cells[0:3] == ["2", HOLDER, "Valide"]
    assert cells[4:6] == ["4", "CAR2024"]
    assert "trop court" in cells[6]
    assert cells[8:11] == ["5", NOBODY, "Introuvable"]
    assert "4 lignes vérifiées; 2 que" in page.texts["main"][0].replace("\u00a0", " ")


async def test_the_answers_are_had_as_a_file_without_asking_again(
    service: Doors,
) -> None:
    page = read(await checked(service, liste=LIST), "fr")
    hidden = {
        str(one["name"]): str(one["value"])
        for one in page.attributes["input"]
        if one.get("type") == "hidden" and one["name"] == "liste"
    }
    answer = await checked(service, **hidden, forme="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["status"] for row in rows] == ["valid", "", "unknown", ""]
    assert rows[3]["written"] == "'=2+3"


async def test_a_file_is_read_as_a_spreadsheet_saves_it(service: Doors) -> None:
    agency = Visitor(service, "its agency")
    value = await agency.begin()
    assert value is not None
    file = f"Numéro;Nom\r\n{HOLDER};Nadia\r\n".encode("utf-8-sig")
    async with knocking_at(service.app) as http:
        http.cookies.set("echeance_session", value)
        answer = await http.post(
            HERE,
            data={"form_token": form_token_of(value), "liste": ""},
            files={"fichier": ("liste.csv", file, "text/csv")},
        )
    assert cells_of(read(answer, "fr"))[1:3] == [HOLDER, "Valide"]


@pytest.mark.parametrize(
    ("written", "words"),
    [("", "au moins un numéro"), (f"{HOLDER}\n" * 501, "500 lignes au plus")],
)
async def test_a_list_that_cannot_be_taken_is_kept_with_what_is_wrong(
    service: Doors, written: str, words: str
) -> None:
    answer = await checked(service, liste=written)
    assert answer.status_code == 422
    page = read(answer, "fr")
    assert page.texts["title"][0].startswith("Erreur")
    assert words in page.texts["main"][0].replace("\u00a0", " ")
    assert page.texts["textarea"][0].count(HOLDER) == written.count(HOLDER)


async def test_500_lines_are_checked_at_once(service: Doors) -> None:
    answer = await checked(service, liste=f"{HOLDER}\n" * 500)
    assert answer.text.count(HOLDER) > 500
    assert len(cells_of(read(answer, "fr"))) == 500 * 4
