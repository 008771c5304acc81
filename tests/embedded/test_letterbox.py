"""Letters on disk keep their order, their oddities, and are found by what they say."""

import time
from pathlib import Path

import pytest

from embedded.letterbox import Letter, Letterbox
from tests.embedded.correspondence import a_letter


async def kept(
    box: Letterbox, content: bytes, *recipients: str, return_path: str = "a@x.example"
) -> Letter:
    return await box.keep(
        content, return_path=return_path, recipients=recipients or ("b@x.example",)
    )


async def test_letters_keep_their_order_and_their_oddities(tmp_path: Path) -> None:
    box = Letterbox(tmp_path)
    for number in range(20):
        await kept(box, b"Subject: %d\r\n\r\nx\r\n" % number)
    odd = b"Content-Type: text/plain; charset=nowhere\r\n\r\n\xff\xe9\r\n"
    last = await kept(box, odd)
    (tmp_path / ".unfinished.part").write_bytes(b"half")
    (tmp_path / "notes.eml").write_bytes(b"not ours")
    again = Letterbox(tmp_path)
    assert list(again.letters()) == list(box.letters())
    assert [letter.subject for letter in again.letters()][:20] == [
        str(number) for number in range(20)
    ]
    assert "\ufffd" in (again.opened(last).text or "")
    assert again.letter(last.id) == last
    assert not (tmp_path / ".unfinished.part").exists()
    assert last.received_at.timestamp() <= time.time()


HOSTILE = {
    "empty": b"",
    "no headers": b"\r\nonly words\r\n",
    "no end of headers": b"Subject: x",
    "raw bytes": b"Subject: \xff\xfe\r\nDate: \xff\r\nMessage-ID: \xe9\r\n\r\nx",
    "bad encoded word": b"Subject: =?nowhere?q?=e9?= =?utf-8?b?%%%?=\r\n\r\nx",
    "bad date": b"Date: Mon, 99 Foo 99999 25:61:61 +9999\r\n\r\nx",
    "far date": b"Date: Fri, 31 Dec 9999 23:59:59 -1400\r\n\r\nx",
    "bad address": b'From: <<@@>>,;\r\nTo: "\r\n\r\nx',
    "long header": b"Subject: " + b"x" * 200_000 + b"\r\n\r\nx",
    "deep": b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n)
        for n in range(3000)
    ),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
async def test_whatever_is_kept_is_found_again(tmp_path: Path, content: bytes) -> None:
    box = Letterbox(tmp_path)
    letter = await kept(box, content)
    again = Letterbox(tmp_path)
    assert list(again.letters()) == [letter]
    assert again.sent(letter) == content
    again.opened(letter)


async def test_what_a_letter_says_of_its_own_way_is_not_believed(
    tmp_path: Path,
) -> None:
    forged = (
        b"Return-Path: <other@x.example>\r\nDelivered-To: victim@x.example\r\n"
        b"X-Received-At: 2001-01-01T00:00:00+00:00\r\nSubject: forged\r\n\r\nx"
    )
    await kept(Letterbox(tmp_path), forged, "b@x.example")
    [letter] = Letterbox(tmp_path).letters()
    assert letter.return_path == "a@x.example"
    assert letter.recipients == ("b@x.example",)
    assert letter.received_at.year > 2001
    assert letter.subject == "forged"


async def test_a_letter_bears_the_date_of_its_dossier_in_quebec(tmp_path: Path) -> None:
    box = Letterbox(tmp_path)
    dated = await kept(box, b"Date: Tue, 10 Nov 2026 02:00:00 +0000\r\n\r\nx")
    assert dated.dated is not None
    assert dated.dated.isoformat() == "2026-11-09T21:00:00-05:00"
    assert (await kept(box, b"Subject: none\r\n\r\nx")).dated is None


async def test_the_first_letter_of_a_message_id_is_the_one_that_was_accepted(
    tmp_path: Path,
) -> None:
    box = Letterbox(tmp_path)
    first = await kept(box, bytes(a_letter("Premier")))
    await kept(box, bytes(a_letter("Second")))
    for again in (box, Letterbox(tmp_path)):
        assert again.accepted("abc234@echeance.example") == first
        assert again.accepted("<abc234@echeance.example>") == first
        assert again.accepted("<abc@echeance.example>") is None


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["late", "second", "first"]),
        ("CAR202600012345", ["second", "first"]),
        ("car 2026-0001 2345", ["second", "first"]),
        ("CAR202600012345 recu", ["second"]),
        ("RECU", ["second"]),
        ("reçu échéance", []),
        ("luce", ["first"]),
        ("CAR202600099999", []),
    ],
)
async def test_letters_are_sought_without_accents_case_or_spaces(
    tmp_path: Path, words: str, found: list[str]
) -> None:
    box = Letterbox(tmp_path)
    subjects = {
        "Dossier CAR202600012345 : avant l'échéance": "first",
        "Dossier CAR202600012345 : votre reçu": "second",
        "Dossier CAR202400000001 : expiré": "late",
    }
    for subject, name in subjects.items():
        to = "luce@x.example" if name == "first" else "marc@x.example"
        await kept(box, bytes(a_letter(subject)), to)
    letters = box.found(recipient="", words=words)
    assert [subjects[letter.subject] for letter in letters] == found


async def test_letters_to_one_person_are_set_apart(tmp_path: Path) -> None:
    box = Letterbox(tmp_path)
    mine = await kept(box, b"Subject: mine\r\n\r\nx", "b@x.example", "Luce@x.example")
    await kept(box, b"Subject: other\r\n\r\nx", "lucette@x.example")
    assert box.found(recipient="luce@X.example", words="") == [mine]


async def test_only_the_letters_of_one_page_are_opened(tmp_path: Path) -> None:
    box = Letterbox(tmp_path)
    letters = [await kept(box, b"Subject: %d\r\n\r\nx" % n) for n in range(60)]
    for letter in letters[:-10]:
        (tmp_path / f"{letter.id}.eml").unlink()
    newest = box.found(recipient="", words="")[:10]
    assert newest == letters[:-11:-1]
    assert [box.glance(letter).attached for letter in newest] == [0] * 10
