"""Composing: headers that nobody can forge, and nothing said that is not known."""

import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError, UndefinedError

from letters import compose as composing
from letters.compose import (
    FOLDER,
    Attachment,
    BadAddress,
    check_templates,
    compose,
    html_of,
    known_notices,
    message_id,
    plain_of,
)
from letters.facts import LetterFacts, Notice
from letters.plain import one_line, paragraphs
from letters.wording import LANGUAGES, Language
from tests.letters.examples import an_example

SENDER = "avis@echeance.example"
RECIPIENT = "nadia@courriel.example"
MESSAGE_ID = "<abc@echeance.example>"
HEADERS = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Echeance-Letter",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
]
PIECES = (
    *(
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        "\u2028",
        "\x85",
        " ",
        "\t",
        ", ",
        ".",
        "- ",
        "1. ",
    ),
    *("\r\nBcc: vole@mal.example\r\n", "\nSubject: faux", "=?utf-8?q?=0D=0ABcc:_x?="),
    *("{{7*7}}", "{% include 'fragments/fr/letter.txt' %}", "${7*7}", "{#", "%s"),
    *("\u202e", "\u2066", "\u200f", "\ufeff", "\x00", "\x1b[31m", "\x7f", "\ud800"),
    *("<script>", "&amp;", "<x@y.example>", "Zoé", "O'Brien", "李", "\U0001f469\u200d"),
    "a" * 90,
)


def composed(facts: LetterFacts, language: Language = "fr") -> EmailMessage:
    return compose(
        facts,
        language=language,
        sender=SENDER,
        recipient=RECIPIENT,
        message_id=MESSAGE_ID,
    )


def received(message: EmailMessage) -> EmailMessage:
    parsed = message_from_bytes(message.as_bytes(), policy=SMTP_POLICY)
    assert isinstance(parsed, EmailMessage)
    return parsed


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", sorted(Notice))
def test_every_letter_travels_whole_in_seven_bits(
    notice: Notice, language: Language
) -> None:
    message = composed(an_example(notice), language)
    raw = message.as_bytes()
    letter = received(message)
    assert raw.isascii()
    assert max(len(line) for line in raw.partition(b"\r\n\r\n")[2].split(b"\r\n")) <= 76
    assert b"\r\nSubject: " in raw
    assert sorted(letter) == sorted(HEADERS)
    assert letter["X-Echeance-Letter"] == notice
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Content-Language"] == f"{language}-CA"
    assert letter["Reply-To"] == "infocertificat@echeance.example"
    assert letter["Subject"] == composing.subject(an_example(notice), language)
    parts = [part for part in letter.walk() if not part.is_multipart()]
    assert [p.get_content_type() for p in parts[:2]] == ["text/plain", "text/html"]
    assert {p["Content-Transfer-Encoding"] for p in parts[:2]} == {"quoted-printable"}
    assert plain_of(letter) == composing.body(an_example(notice), language)
    assert html_of(letter) == composing.html(an_example(notice), language)


def test_the_date_is_the_business_instant_in_the_zone_of_quebec() -> None:
    late = datetime(2026, 12, 10, 4, 59, 59, tzinfo=UTC)
    letter = composed(replace(an_example("receipt"), occurred_at=late))
    assert parsedate_to_datetime(letter["Date"]) == late
    assert letter["Date"] == "Wed, 09 Dec 2026 23:59:59 -0500"
    assert "mercredi 9 décembre 2026" in plain_of(letter)


def test_a_return_path_is_kept_in_the_letter() -> None:
    letter = compose(
        an_example("renewed"),
        language="en",
        sender=SENDER,
        recipient=RECIPIENT,
        message_id=MESSAGE_ID,
        return_path="bounce+abc=1@echeance.example",
    )
    assert letter["Return-Path"] == "<bounce+abc=1@echeance.example>"


def test_a_message_id_follows_from_the_key_alone_and_fits_on_one_line() -> None:
    first = message_id("CAR202400012345/1/renewed", secret=b"s", domain="a.example")
    again = message_id("CAR202400012345/1/renewed", secret=b"s", domain="a.example")
    assert first == again
    assert first == "<a3gevxss63oquwepz34qk3z4uxn424oh@a.example>"


@pytest.mark.parametrize(
    ("key", "secret", "domain"),
    [
        ("other", b"s", "a.example"),
        ("key", b"t", "a.example"),
        ("key", b"s", "b.example"),
    ],
)
def test_another_key_secret_or_domain_gives_another_message_id(
    key: str, secret: bytes, domain: str
) -> None:
    assert message_id(key, secret=secret, domain=domain) != message_id(
        "key", secret=b"s", domain="a.example"
    )


@pytest.mark.parametrize(
    "identity", ["", "abc", "<a b@c>", "<a@b>\r\nBcc: x@y.example", "<a@b"]
)
def test_what_is_no_message_id_is_refused(identity: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        compose(
            an_example("renewed"),
            language="fr",
            sender=SENDER,
            recipient=RECIPIENT,
            message_id=identity,
        )


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@b.example",
        "a@",
        "a@b..example",
        "a b@c.example",
        "a@b.example, c@d.example",
        "Nom <a@b.example>",
        "a@b.example\r\nBcc: c@d.example",
        "é@b.example",
        '"a"@b.example',
        "a\u202e@b.example",
        f"a@{'x' * 70}.example",
    ],
)
def test_what_is_not_one_plain_address_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        compose(
            an_example("renewed"),
            language="fr",
            sender=SENDER,
            recipient=address,
            message_id=MESSAGE_ID,
        )


def test_an_international_domain_is_written_in_its_ascii_form() -> None:
    letter = compose(
        an_example("renewed"),
        language="fr",
        sender=SENDER,
        recipient="nadia@échéance.example",
        message_id=MESSAGE_ID,
    )
    assert letter["To"] == "nadia@xn--chance-9uac.example"


def nasty_strings(count: int) -> list[str]:
    # A fixed seed: the same strings on every machine.
    chance = random.Random(20261124)
    return [
        "".join(chance.choices(PIECES, k=chance.randint(1, 8))) for _ in range(count)
    ]


def test_a_thousand_nasty_strings_add_no_header_no_recipient_and_are_printed() -> None:
    for number, nasty in enumerate(nasty_strings(1000)):
        notice = ("intended_refusal", "link_requested", "invoice", "link_refused")[
            number % 4
        ]
        language = LANGUAGES[number % 2]
        facts = replace(
            an_example(notice),
            person_name=nasty,
            agency_name=nasty,
            reason_text=nasty,
            invoice_number=nasty + "F",
            permit_number=nasty,
        )
        letter = received(composed(facts, language))
        assert sorted(letter) == sorted(HEADERS)
        assert getaddresses([str(letter["To"])]) == [("", RECIPIENT)]
        assert "49" not in letter["Subject"]
        text, page = plain_of(letter), html_of(letter)
        invisible = set("\u202e\u2066\u200f\ufeff\x00\x1b\x7f\x85\u2028")
        assert not invisible & set(text + page)
        assert "Renouvelez" not in text
        if notice.startswith("link"):
            assert squeezed(one_line(nasty)) in squeezed(text)
        if notice in ("intended_refusal", "link_refused"):
            for line in paragraphs(nasty):
                assert squeezed(line) in squeezed(text)


PDF = Attachment("certificat.pdf", "application/pdf", b"%PDF-1.7\r\n.\r\n\x00\xff")


def composed_with(*files: Attachment, notice: str = "renewed") -> EmailMessage:
    return compose(
        an_example(notice),
        language="fr",
        sender=SENDER,
        recipient=RECIPIENT,
        message_id=MESSAGE_ID,
        attachments=files,
    )


def test_a_file_arrives_as_it_was_given_behind_both_texts() -> None:
    letter = received(composed_with(PDF, notice="receipt"))
    assert letter.get_content_type() == "multipart/mixed"
    (file,) = letter.iter_attachments()
    assert file.get_content_type() == "application/pdf"
    assert file.get_content_disposition() == "attachment"
    assert file.get_filename() == "certificat.pdf"
    assert file.get_payload(decode=True) == PDF.content
    assert "reçu" in plain_of(letter)
    assert "reçu" in html_of(letter)
    assert letter.as_bytes().isascii()


def test_a_letter_with_a_certificate_and_a_date_bears_both_and_says_so() -> None:
    letter = received(composed_with(PDF, notice="certificate_issued"))
    kinds = [file.get_content_type() for file in letter.iter_attachments()]
    assert kinds == ["application/pdf", "text/calendar"]
    assert "en PDF" in plain_of(letter)
    assert "en PDF" in html_of(letter)


def test_a_letter_never_says_that_it_bears_a_certificate_which_it_does_not() -> None:
    told = replace(an_example("certificate_issued"), certificate_attached=True)
    assert "PDF" not in plain_of(composed(told))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "pdf",
            ".pdf",
            "../a.pdf",
            "a/b.pdf",
            "a b.pdf",
            "é.pdf",
            "a.pdf\r\nX: y",
        ),
        *('a".pdf', "a;b.pdf", "a.", "a.PDF.exe.", "=?utf-8?q?a?=.pdf", "a\u202e.pdf"),
        "a" * 90 + ".pdf",
    ],
)
def test_a_file_name_that_a_header_could_not_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="file name"):
        Attachment(name, "application/pdf", b"")


@pytest.mark.parametrize(
    "kind",
    ["", "pdf", "application/", "/pdf", "a/b; c=d", "a/b\r\nX: y", "multi part/x"],
)
def test_what_is_no_kind_of_file_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="kind"):
        Attachment("a.pdf", kind, b"")


@pytest.mark.parametrize("notice", ["receipt", "certificate_issued"])
def test_the_same_letter_is_the_same_bytes_again(notice: str) -> None:
    first, again = (composed_with(PDF, notice=notice) for _ in range(2))
    assert first.as_bytes() == again.as_bytes()


def test_no_part_can_end_another() -> None:
    letter = composed_with(PDF, notice="certificate_issued")
    boundaries = [p.get_boundary() for p in letter.walk() if p.is_multipart()]
    assert len(set(boundaries)) == 2
    # Quoted-printable writes "=" with two digits, base64 only at its end.
    assert all(str(boundary).startswith("=_") for boundary in boundaries)
    assert len({str(boundary)[:3] for boundary in boundaries}) == 2


def test_reading_back_what_is_no_composed_letter_is_refused() -> None:
    letter = EmailMessage()
    letter.set_content("a")
    with pytest.raises(ValueError, match="html"):
        html_of(letter)


@given(st.text(max_size=400))
def test_one_line_is_clean_bounded_and_stable(text: str) -> None:
    line = one_line(text, limit=50)
    assert len(line) <= 50
    assert "\n" not in line
    assert "\r" not in line
    assert one_line(line, limit=50) == line
    line.encode()


@pytest.mark.parametrize(
    "dossier", ["", "CAR2024", "car202400012345", "CAR20240001234\n", "CAR2024 0012345"]
)
def test_a_letter_about_no_dossier_number_cannot_be_built(dossier: str) -> None:
    with pytest.raises(ValueError, match="dossier"):
        replace(an_example("renewed"), dossier=dossier)


def test_a_letter_without_the_zone_of_its_instant_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="zone"):
        replace(
            an_example("renewed"),
            occurred_at=datetime(2026, 1, 1),  # noqa: DTZ001  what is refused
        )


def test_an_unknown_notice_has_no_letter() -> None:
    facts = replace(an_example("renewed"), notice="../renewed")
    with pytest.raises(ValueError, match="no letter"):
        composed(facts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", sorted(Notice))
def test_a_letter_without_its_help_address_is_not_written(
    notice: Notice, language: Language
) -> None:
    with pytest.raises(UndefinedError, match="help_address"):
        composed(replace(an_example(notice), help_address=None), language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("notice", "fact", "nothing"),
    [
        ("reminder_30", "echeance", None),
        ("expired", "echeance", None),
        ("expired", "intake_address", None),
        ("items_missing", "act_before", None),
        ("items_missing", "missing", ()),
        ("transfer_accepted", "act_before", None),
        ("intended_refusal", "act_before", None),
        ("finalize", "act_before", None),
        ("exam_ends_7", "act_before", None),
        ("invoice", "amount_cents", None),
        ("invoice", "invoice_number", ""),
        ("receipt", "amount_cents", None),
        ("refund_due", "amount_cents", None),
        ("renewed", "portal_url", None),
    ],
)
def test_a_letter_that_lacks_a_fact_it_needs_fails_instead_of_saying_nothing(
    notice: str, fact: str, nothing: object, language: Language
) -> None:
    without = an_example(notice)
    object.__setattr__(without, fact, nothing)
    with pytest.raises(UndefinedError):
        composed(without, language)


@pytest.mark.parametrize("notice", ["items_missing", "transfer_accepted", "finalize"])
def test_a_key_without_words_fails_instead_of_saying_nothing(notice: str) -> None:
    facts = replace(
        an_example(notice),
        missing=("unheard_of",),
        ground="unheard_of",
        remaining=("unheard_of",),
    )
    with pytest.raises(UndefinedError, match="unheard_of"):
        composed(facts)


def test_days_left_and_the_last_valid_day_follow_from_the_other_facts() -> None:
    facts = replace(an_example("reminder_7"), last_valid_day=None, days_left=None)
    text = composing.body(facts, "en").replace("\u00a0", " ")
    assert "within 7 days" in text
    assert "December 9, 2026" in text


def test_the_templates_of_the_product_are_complete() -> None:
    check_templates()
    assert known_notices() == {
        p.name
        for p in FOLDER.iterdir()
        if (p / "fr").is_dir() and p.name != "fragments"
    }


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    return Path(
        shutil.copytree(
            FOLDER, tmp_path / "letters", ignore=shutil.ignore_patterns("*.py*")
        )
    )


@pytest.mark.parametrize(
    "name",
    [
        *("receipt/en/body.txt", "receipt/fr/subject.txt", "expired/fr/body.txt"),
        "frame.html",
    ],
)
def test_a_missing_file_is_named_at_the_start(templates: Path, name: str) -> None:
    (templates / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        check_templates(templates)


def test_a_missing_language_is_named_at_the_start(templates: Path) -> None:
    shutil.rmtree(templates / "receipt" / "en")
    with pytest.raises(FileNotFoundError, match="receipt/en"):
        check_templates(templates)


def test_a_folder_without_a_notice_is_named_at_the_start(templates: Path) -> None:
    (templates / "recepit").mkdir()
    with pytest.raises(ValueError, match="recepit"):
        check_templates(templates)


def test_a_word_that_is_no_fact_is_named_at_the_start(templates: Path) -> None:
    (templates / "receipt/en/body.txt").write_text("{{ amuont_cents }}")
    with pytest.raises(ValueError, match=r"receipt/en/body\.txt says 'amuont_cents'"):
        check_templates(templates)


def test_a_broken_template_is_named_at_the_start(templates: Path) -> None:
    (templates / "receipt/en/body.txt").write_text("{% if %}")
    with pytest.raises(TemplateSyntaxError) as broken:
        check_templates(templates)
    assert "receipt/en/body.txt" in str(broken.value.filename)
