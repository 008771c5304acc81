"""A letter is taken apart by what it holds, whatever it says it holds."""

from email.message import EmailMessage

import pytest

from embedded.attachment_kinds import Kind, kind_of, lies
from embedded.letter_parts import open_letter
from tests.embedded.correspondence import a_letter

HTML = "<p>Renouvelez</p>"


def test_a_letter_in_two_forms_has_both_and_no_attachment() -> None:
    opened = open_letter(bytes(a_letter(text="Renouvelez\n", html=HTML)))
    assert opened.text == "Renouvelez\n"
    assert opened.html == f"{HTML}\n"
    assert opened.attachments == ()
    assert opened.readable


def test_a_letter_may_lack_either_form() -> None:
    only_html = open_letter(bytes(a_letter(text=None, html=HTML)))
    assert (only_html.text, only_html.html) == (None, f"{HTML}\n")
    only_text = open_letter(bytes(a_letter(text="x\n")))
    assert (only_text.text, only_text.html) == ("x\n", None)


def test_an_image_of_the_html_and_a_text_sent_along_are_attachments() -> None:
    letter = a_letter(text="x\n", html='<img src="cid:logo">')
    parts = letter.get_payload()
    assert isinstance(parts, list)
    html = parts[1]
    assert isinstance(html, EmailMessage)
    html.add_related(b"\x89PNG\r\n\x1a\n....", "image", "png", cid="<logo>")
    letter.add_attachment("deuxième texte", filename="note.txt")
    opened = open_letter(bytes(letter))
    assert opened.text == "x\n"
    assert [(one.name, one.kind) for one in opened.attachments] == [
        ("1.png", Kind.PNG),
        ("note.txt", Kind.TEXT),
    ]


def test_a_name_cannot_lead_out_of_its_folder_nor_hide_its_end() -> None:
    letter = a_letter()
    for name in ("../../etc/passwd", "C:\\boot\\été.pdf", "a\u202egnp.exe"):
        letter.add_attachment(
            b"x", maintype="application", subtype="octet-stream", filename=name
        )
    names = [one.name for one in open_letter(bytes(letter)).attachments]
    assert names == ["passwd", "été.pdf", "agnp.exe"]


def test_a_letter_within_a_letter_is_one_attachment() -> None:
    outer = a_letter("outer")
    outer.add_attachment(a_letter("inner", html=HTML))
    [inner] = open_letter(bytes(outer)).attachments
    assert (inner.name, inner.kind) == ("1.eml", Kind.LETTER)
    assert open_letter(inner.content).headers.first("Subject") == "inner"


def test_a_letter_nested_beyond_reason_is_not_opened_but_keeps_its_headers() -> None:
    deep = b"Subject: deep\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n)
        for n in range(3000)
    )
    opened = open_letter(deep)
    assert not opened.readable
    assert opened.headers.first("subject") == "deep"


def test_words_in_an_unknown_charset_are_shown_as_far_as_possible() -> None:
    raw = b"Content-Type: text/plain; charset=nowhere\r\n\r\nbonjour \xff\r\n"
    assert open_letter(raw).text == "bonjour \ufffd\n"


@pytest.mark.parametrize(
    ("content", "declared", "kind"),
    [
        (b"%PDF-1.7", "text/plain", Kind.PDF),
        (b"\xef\xbb\xbfBEGIN:VCALENDAR\r\n", "application/pdf", Kind.CALENDAR),
        (b"\x89PNG\r\n\x1a\n", "image/gif", Kind.PNG),
        (b"\xff\xd8\xff\xe0", "image/png", Kind.JPEG),
        (b"GIF89a", "image/png", Kind.GIF),
        (b"RIFF0000WEBPVP8 ", "image/png", Kind.WEBP),
        (b"PK\x03\x04", "application/pdf", Kind.ZIP),
        (b"MZ\x90", "application/pdf", Kind.PROGRAM),
        (b"\x7fELF", "text/plain", Kind.PROGRAM),
        (b"#!/bin/sh", "text/plain", Kind.PROGRAM),
        (b" <!DOCTYPE html>", "text/plain", Kind.HTML),
        (b"<svg xmlns=", "image/png", Kind.HTML),
        (b"bonjour \xc3\xa9t\xc3\xa9", "application/pdf", Kind.TEXT),
        (b"\x00\x01", "text/plain", Kind.DATA),
        (b"\xff\xe9", "text/plain", Kind.DATA),
        (b"", "application/pdf", Kind.TEXT),
    ],
)
def test_the_kind_comes_from_the_contents(
    content: bytes, declared: str, kind: Kind
) -> None:
    assert kind_of(content, declared) is kind


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("certificat.pdf", Kind.PDF, False),
        ("certificat.PDF", Kind.PROGRAM, True),
        ("photo.jpg", Kind.PNG, True),
        ("contrat.docx", Kind.ZIP, False),
        ("sans ending", Kind.PROGRAM, False),
        ("notes.xyz", Kind.TEXT, False),
    ],
)
def test_a_name_that_promises_something_else_is_told(
    name: str, kind: Kind, told: bool
) -> None:
    assert lies(name, kind) is told
