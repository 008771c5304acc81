"""The inbox's pages: the list, a letter in each of its forms, in both languages."""

import re
from html import unescape

import httpx2
import pytest

from embedded.attachment_kinds import Kind
from embedded.inbox_pages.examples import EXAMPLES
from embedded.inbox_pages.listing import PER_PAGE
from embedded.inbox_pages.words import Voice, words
from embedded.places import CHECKOUT
from letters.wording import LANGUAGES, Language
from tests.embedded.conftest import Inbox
from tests.embedded.correspondence import DOSSIER, LUCE, RETURN_PATH, a_letter, send

HTML = '<p>Renouvelez</p><a href="http://127.0.0.1:8000/fr?a=1&amp;b=2">Ouvrir</a>'
HOSTILE = "<script>alert(1)</script>"


async def page(web: httpx2.AsyncClient, path: str, code: int = 200) -> str:
    answer = await web.get(path)
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return unescape(answer.text).replace("\u00a0", " ")


def said(key: str, language: str) -> str:
    return words()[key][language].replace("\u00a0", " ")


async def newest_letter(web: httpx2.AsyncClient) -> str:
    *_, told = (await web.get("/api/messages")).json()
    return str(told["id"])


# -------------------------------------------------------------------------- the words


def test_each_sentence_is_whole_in_both_languages() -> None:
    for key, told in words().items():
        assert set(told) == set(LANGUAGES), key
        blanks = [set(re.findall(r"{\w+}", text)) for text in told.values()]
        assert blanks[0] == blanks[1], key
        assert all(text.strip() for text in told.values()), key


def test_no_sentence_is_left_over() -> None:
    pages = (CHECKOUT / "embedded" / "inbox_pages").rglob("*")
    told = "".join(p.read_text() for p in pages if p.suffix in {".py", ".html"})
    by_name = ("kind.", "header.", "example.", "write.example_", "list.in_")
    for key in words():
        plain = re.sub(r"_(one|many)$", "", key)
        said = any(f'"{name}"' in told for name in (key, plain))
        assert said or key.startswith(by_name), key


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_of_attachment_has_its_words(kind: Kind) -> None:
    assert f"kind.{kind}" in words()


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_has_its_words(name: str) -> None:
    wanted = {f"write.example_{name}", f"example.{name}", f"example.{name}_subject"}
    assert wanted <= set(words())


@pytest.mark.parametrize(
    ("count", "french", "english"),
    [
        (0, "0 lettre", "0 letters"),
        (1, "1 lettre", "1 letter"),
        (2, "2 lettres", "2 letters"),
        (12345, "12 345 lettres", "12,345 letters"),
    ],
)
def test_one_and_many_are_told_apart(count: int, french: str, english: str) -> None:
    told = [Voice(language).counted("list.letters", count) for language in LANGUAGES]
    assert [text.replace("\u00a0", " ") for text in told] == [french, english]


# --------------------------------------------------------------------------- the list


async def test_the_list_tells_who_what_when_and_in_which_language(
    inbox: Inbox, web: httpx2.AsyncClient, mark: str
) -> None:
    letter = a_letter(f"Dossier {DOSSIER} : {mark}")
    letter.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf")
    send(inbox.smtp, letter)
    french, english = [await page(web, f"/{each}?q={mark}") for each in LANGUAGES]
    for seen in (french, english):
        assert f"Dossier {DOSSIER} : {mark}" in seen
        assert LUCE in seen
        assert ">FR<" in seen
    assert "lundi 9 novembre 2026 à 9 h 00" in french
    assert "1 pièce jointe" in french
    assert "Monday, November 9, 2026 at 9:00 a.m." in english
    assert "1 attachment" in english


async def test_a_title_made_of_markup_stays_text(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    send(inbox.smtp, a_letter(HOSTILE, text=HOSTILE))
    letter = await newest_letter(web)
    for path in ("/fr", f"/fr/{letter}", f"/fr/{letter}/text", f"/fr/{letter}/reply"):
        seen = (await web.get(path)).text
        assert "&lt;script&gt;" in seen, path
        assert "<script" not in seen, path


async def test_the_list_is_read_fifty_letters_at_a_time(
    inbox: Inbox, web: httpx2.AsyncClient, mark: str
) -> None:
    total = PER_PAGE + 2
    send(inbox.smtp, *(a_letter(f"{mark} {n:03}.") for n in range(total)))
    first = await page(web, f"/fr?q={mark}")
    assert f"Lettres 1 à {PER_PAGE} de {total}" in first
    assert f"{mark} {total - 1:03}." in first
    assert f"{mark} 001." not in first
    assert f'href="/fr?q={mark}&page=2"' in first
    second = await page(web, f"/fr?q={mark}&page=2")
    assert f"Lettres {PER_PAGE + 1} à {total} de {total}" in second
    assert re.findall(rf"{mark} (\d{{3}})\.", second) == ["001", "000"]
    assert f'href="/en?q={mark}&page=2"' in second
    for beyond in ("9", "0", "-1", "x", "9" * 5000, "²"):
        assert "Lettres" in await page(web, f"/fr?page={beyond}")


async def test_letters_are_filtered_by_person_and_by_words(
    inbox: Inbox, web: httpx2.AsyncClient, mark: str
) -> None:
    send(
        inbox.smtp,
        a_letter(f"Votre reçu {mark}é"),
        a_letter(f"Votre reçu {mark}é, Marc", to="marc@x.example"),
    )
    seen = await page(web, f"/fr?to={LUCE}&q={mark}e")
    assert f"1 lettre à {LUCE} pour « {mark}e »" in seen
    assert "Marc" not in seen
    assert f"/fr/write?as={LUCE.replace('@', '%40')}" in seen
    nothing = await page(web, "/fr?q=zzz")
    assert said("list.nothing_found", "fr") in nothing


# --------------------------------------------------------------------------- a letter


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_letter_is_shown_as_its_reader_sees_it_in_a_closed_frame(
    inbox: Inbox, web: httpx2.AsyncClient, language: Language
) -> None:
    send(inbox.smtp, a_letter(html=HTML))
    letter = await newest_letter(web)
    seen = await page(web, f"/{language}/{letter}")
    [frame] = re.findall(r"<iframe[^>]*>", seen)
    assert 'sandbox=""' in frame
    assert f'src="/letters/{letter}/html?framed=1"' in frame
    assert 'href="http://127.0.0.1:8000/fr?a=1&b=2"' in seen
    assert f"/{language}/dossier/{DOSSIER}" in seen
    assert f"&lt;{RETURN_PATH}&gt;" in (await web.get(f"/{language}/{letter}")).text
    other = "en" if language == "fr" else "fr"
    phone = await page(web, f"/{language}/{letter}?width=320")
    assert 'class="paper phone"' in phone
    assert f'href="/{other}/{letter}?width=320"' in phone


async def test_the_html_of_a_letter_can_do_nothing(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    send(inbox.smtp, a_letter(html=f"{HTML}{HOSTILE}"))
    answer = await web.get(f"/letters/{await newest_letter(web)}/html")
    assert answer.text == f"{HTML}{HOSTILE}\n"
    rules = answer.headers["content-security-policy"]
    assert rules.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert rules.endswith("; sandbox")
    assert "script-src" not in rules
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_our_own_pages_allow_no_script_and_no_inline_style(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    send(inbox.smtp, a_letter(html=HTML))
    letter = await newest_letter(web)
    for path in ("/fr", f"/fr/{letter}", f"/en/{letter}/reply", "/en/write", "/fr/x"):
        answer = await web.get(path)
        rules = answer.headers["content-security-policy"]
        assert rules.startswith("default-src 'none'; style-src 'self';"), path
        assert "unsafe" not in rules
        assert not re.search(r"<style|<script| style=| on\w+=", answer.text), path
        [style] = re.findall(r'href="(/inbox.css[^"]*)"', answer.text)
        assert (await web.get(style)).status_code == 200


async def test_a_letter_without_html_or_without_text_says_so(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    send(inbox.smtp, a_letter("text only"))
    text_only = await newest_letter(web)
    send(inbox.smtp, a_letter("html only", text=None, html=HTML))
    html_only = await newest_letter(web)
    seen = await page(web, f"/fr/{text_only}")
    assert said("letter.no_html", "fr") in seen
    assert "Renouvelez d'ici là." in seen
    assert "<iframe" not in seen
    assert (await web.get(f"/letters/{text_only}/html")).status_code == 404
    assert said("letter.no_text", "en") in await page(web, f"/en/{html_only}/text")


async def test_a_letter_that_cannot_be_opened_still_has_its_page_and_source(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    deep = a_letter("deep")
    raw = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n)
        for n in range(3000)
    )
    deep.set_payload(raw.decode())
    deep.replace_header("Content-Type", "multipart/mixed; boundary=none")
    send(inbox.smtp, deep)
    letter = await newest_letter(web)
    assert "deep" in await page(web, "/fr?q=deep")
    for tab in ("", "/text", "/attachments", "/reply"):
        assert "deep" in await page(web, f"/fr/{letter}{tab}")
    assert "boundary=2999" in (await web.get(f"/fr/{letter}/source")).text


async def test_the_source_is_plain_text_byte_by_byte(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    letter = a_letter(html=f"{HTML}{HOSTILE}")
    send(inbox.smtp, letter)
    answer = await web.get(f"/fr/{await newest_letter(web)}/source")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content.startswith(f"Return-Path: <{RETURN_PATH}>\r\n".encode())
    assert answer.content.endswith(letter.as_bytes())


async def test_an_attachment_is_kept_never_shown_and_named_by_what_it_is(
    inbox: Inbox, web: httpx2.AsyncClient
) -> None:
    letter = a_letter()
    letter.add_attachment(
        b"MZ\x90 not a certificate",
        maintype="application",
        subtype="pdf",
        filename="certificat été.pdf",
    )
    letter.add_attachment(
        HOSTILE.encode(), maintype="text", subtype="html", filename="page.html"
    )
    send(inbox.smtp, letter)
    letter_id = await newest_letter(web)
    seen = await page(web, f"/fr/{letter_id}/attachments")
    assert said("kind.program", "fr") in seen
    assert said("letter.name_lies", "fr") in seen
    program = await web.get(f"/letters/{letter_id}/attachments/1")
    assert program.content == b"MZ\x90 not a certificate"
    assert program.headers["content-type"] == "application/octet-stream"
    named = "attachment; filename*=UTF-8''certificat%20%C3%A9t%C3%A9.pdf"
    assert program.headers["content-disposition"] == named
    assert program.headers["x-content-type-options"] == "nosniff"
    html = await web.get(f"/letters/{letter_id}/attachments/2")
    assert html.headers["content-type"] == "application/octet-stream"
    assert html.headers["content-disposition"].startswith("attachment;")
    for missing in ("0", "3", "-1", "x"):
        answer = await web.get(f"/letters/{letter_id}/attachments/{missing}")
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/fr/nothing", "/en/nothing/text", "/fr/nothing/reply", "/fr/nothing/source"],
)
async def test_a_letter_that_is_not_there_is_said_in_words(
    web: httpx2.AsyncClient, path: str
) -> None:
    assert said("sorry.letter", path[1:3]) in await page(web, path, 404)


async def test_what_is_no_page_is_said_in_words(web: httpx2.AsyncClient) -> None:
    assert said("sorry.missing", "fr") in await page(web, "/de", 404)
    assert said("sorry.missing", "en") in await page(web, "/en/a/b/c", 404)
    assert said("sorry.sent", "en") in await page(web, "/en/sent/abc", 404)
    assert said("sorry.method", "fr") in await page(web, "/fr/abc/back", 405)


async def test_the_first_page_is_in_the_browsers_language(
    web: httpx2.AsyncClient,
) -> None:
    for wanted, path in (("en-CA", "/en"), ("fr", "/fr"), ("de", "/fr")):
        answer = await web.get("/", headers={"Accept-Language": wanted})
        assert answer.headers["location"] == path
