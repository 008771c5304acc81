"""An officer brings in certificates: a file given, looked at, said yes to, followed."""

from collections.abc import AsyncIterator
from html import unescape

import httpx2
import pytest

from api.access import Role
from api.pages import desk_import
from engine import story_of
from intake.importing.reading import MOST_BYTES, read_sheet
from records.imports import ImportRow
from records.models import DossierRow, TimelineEntry
from tests.api.doors import Doors
from tests.api.providers import Browser
from tests.api.reading import read
from tests.importing.sheets import a_file, a_line, a_sheet
from tests.upkeep.sweeping import until

PAGE = "/fr/bureau/importer"


@pytest.fixture
async def claire(portal: Doors) -> AsyncIterator[Browser]:
    browser = Browser(portal)
    await browser.sign_in("office", "claire")
    yield browser
    await browser.close()


async def given(browser: Browser, body: bytes, page: str = PAGE) -> httpx2.Response:
    form = {"form_token": await browser.form_token()}
    file = {"fichier": ("titulaires.csv", body, "text/csv")}
    return await browser.http.post(page, data=form, files=file)


async def confirmed(browser: Browser, place: str) -> httpx2.Response:
    form = {"form_token": await browser.form_token()}
    return await browser.http.post(place, data=form)


async def has_ended(portal: Doors, import_id: str) -> bool:
    return (await portal.office.one(ImportRow, import_id)).ended_at is not None


async def test_a_file_is_looked_at_then_brought_in_then_its_rest_mended(
    portal: Doors, claire: Browser
) -> None:
    await portal.an_agency()
    read(await claire.go(PAGE), "fr")
    lines = (a_line(1), a_line(2, courriel="zoe"), a_line(3))
    body, import_id = a_file(*lines), a_sheet(*lines).import_id
    looked = await given(claire, body)
    place = f"{PAGE}/{import_id}"
    assert (looked.status_code, looked.headers["location"]) == (303, place)
    shown = await claire.go(place)
    read(shown, "fr")
    text = unescape(shown.text)
    assert "Créer ces dossiers" in text
    assert "« zoe » n'est pas une adresse" in text.replace("\u00a0", " ")
    assert await portal.office.rows(DossierRow) == []
    assert (await confirmed(claire, place)).headers["location"] == place
    await until(lambda: has_ended(portal, import_id))
    shown = await claire.go(place)
    read(shown, "fr")
    assert "Créés : 2; déjà là : 0; refusés : 1" in shown.text.replace("\u00a0", " ")
    await story_of(portal.parts.client, lines[0][0]).describe()
    assert {line.by for line in await portal.office.rows(TimelineEntry)} == {
        "staff:claire"
    }
    refused = await claire.go(f"{place}/refus.csv")
    assert refused.headers["content-type"].startswith("text/csv")
    mended = refused.content.replace(b";zoe;", b";zoe@courriel.example;")
    again = await given(claire, mended)
    await confirmed(claire, again.headers["location"])
    await until(lambda: has_ended(portal, read_sheet(mended).import_id))
    assert len(await portal.office.rows(DossierRow)) == 3


async def test_two_officers_who_give_the_same_file_make_it_once(
    portal: Doors, claire: Browser
) -> None:
    await portal.an_agency()
    lines = [a_line(n) for n in range(1, 6)]
    import_id = a_sheet(*lines).import_id
    denis = Browser(portal)
    await denis.sign_in("office", "denis")
    for officer in (claire, denis):
        await given(officer, a_file(*lines))
    for officer in (claire, denis, claire):
        answer = await confirmed(officer, f"{PAGE}/{import_id}")
        assert answer.status_code == 303
    await until(lambda: has_ended(portal, import_id))
    await given(denis, a_file(*lines))
    await denis.close()
    (row,) = await portal.office.rows(ImportRow)
    assert (row.begun_by, row.made, row.there) == ("staff:claire", 5, 0)
    assert len(await portal.office.rows(DossierRow)) == 5


async def test_what_an_agency_lacking_from_the_register_kept_out_is_taken_up_again(
    portal: Doors, claire: Browser
) -> None:
    import_id = a_sheet(a_line()).import_id
    place = f"{PAGE}/{import_id}"
    await given(claire, a_file(a_line()))
    assert "Ce fichier n'a rien à créer" in unescape((await claire.go(place)).text)
    await portal.an_agency()
    await given(claire, a_file(a_line()))
    await confirmed(claire, place)
    await until(lambda: has_ended(portal, import_id))
    assert len(await portal.office.rows(DossierRow)) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Le fichier est vide"),
        (a_file(a_line()).decode().encode("cp1252"), "n'est pas en UTF-8"),
        (a_file(headings=("nas", "nom")), "La colonne « nas » n'est pas connue"),
    ],
    ids=["empty", "cp1252", "column"],
)
async def test_a_file_that_cannot_be_read_says_why_at_its_field(
    portal: Doors, claire: Browser, body: bytes, said: str
) -> None:
    answer = await given(claire, body)
    assert answer.status_code == 422
    read(answer, "fr")
    text = unescape(answer.text).replace("\u00a0", " ")
    assert said in text
    assert 'id="fichier-fault"' in text
    assert await portal.office.rows(ImportRow) == []


async def test_no_file_at_all_is_asked_for_rather_than_called_empty(
    claire: Browser,
) -> None:
    form = {"form_token": await claire.form_token()}
    nothing = {"fichier": ("", b"", "application/octet-stream")}
    answer = await claire.http.post(PAGE, data=form, files=nothing)
    assert answer.status_code == 422
    assert "Choisissez un fichier CSV." in answer.text


async def test_a_file_that_is_too_long_for_a_page_is_refused(
    portal: Doors, claire: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_import, "MOST_LINES", 1)
    answer = await given(claire, a_file(a_line(1), a_line(2)))
    assert answer.status_code == 422
    huge = await given(claire, b"x" * (MOST_BYTES + 32 * 1024))
    assert huge.status_code == 413
    assert await portal.office.rows(ImportRow) == []


async def test_a_yes_while_temporal_is_away_is_kept(away: Doors) -> None:
    await away.an_agency()
    form = {"form_token": await away.sit_down(Role.OFFICER, "staff:claire")}
    file = {"fichier": ("titulaires.csv", a_file(a_line()), "text/csv")}
    await away.ask("POST", PAGE, data=form, files=file)
    import_id = a_sheet(a_line()).import_id
    answer = await away.ask("POST", f"{PAGE}/{import_id}", data=form)
    assert answer.status_code == 303
    row = await away.office.one(ImportRow, import_id)
    assert (row.begun_by, row.written) == ("staff:claire", 0)
    shown = await away.ask("GET", f"{PAGE}/{import_id}")
    assert "<progress" in shown.text


async def test_an_unknown_file_is_not_found(claire: Browser) -> None:
    for place in (f"{PAGE}/{'0' * 64}", f"{PAGE}/{'0' * 64}/refus.csv"):
        assert (await claire.go(place)).status_code == 404
