"""The sentences of the pages: both languages, the same facts, none missing."""

import re
from datetime import date
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from sqlalchemy import CheckConstraint

from activities.sayings import SAYINGS
from api.errors import WORDINGS
from api.pages.mail import COLUMNS
from api.pages.naming import browser_name
from api.pages.signing_in import DOORS, Why
from api.pages.telling import what_comes
from api.pages.words import Voice, instant, notice_name, words
from api.signin.who import HOMES, Reason
from api.verifying import PublicStatus
from intake.arrival import Door
from intake.authentication import Proof
from intake.mail import Outcome
from intake.matching import Unclear
from intake.understanding import Nature, Wish
from letters.compose import FOLDER
from letters.facts import Notice
from letters.wording import LANGUAGES
from records.ledger import Fate
from records.models import Base
from rules.agenda import Act
from rules.dossier import Kind, Phase
from tests.dossiers import noon
from workflows.messages import DutyView
from workflows.upkeep import Check


def facts_of(sentence: str) -> set[tuple[str, str]]:
    return {
        (name, spec or "") for _, name, spec, _ in Formatter().parse(sentence) if name
    }


def test_every_sentence_is_said_in_both_languages_with_the_same_facts() -> None:
    for key, said in words().items():
        assert set(said) == set(LANGUAGES), key
        assert all(sentence.strip() for sentence in said.values()), key
        assert facts_of(said["fr"]) == facts_of(said["en"]), key


def test_every_sentence_asked_for_exists_and_none_is_left_over() -> None:
    api = Path(__file__).parents[2] / "api"
    sources = [*api.glob("pages/*.py"), *api.glob("templates/*.html")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    asked = set(re.findall(r'(?:say|Sentence)\(\s*"([a-z_]+\.[a-z_0-9]+)"[,)]', text))
    assert len(asked) > 100
    assert asked <= set(words())
    # The end of these keys is a phase, an act, a state or a rank.
    chosen = (
        *(f"sign_in.{door}" for door in (*DOORS, "failed_")),
        *("frame.home_", "done.", "dossier.go_", "proving.", "refused."),
        "sweeps.skipped_",
        *("sorry.title_", "sign_in.for_"),
        # The desk's: a decision, a reason, who did it, what a line is about.
        *("desk.said_", "desk.reads_", "desk.decision_", "desk.next_", "desk.by_"),
        *("desk.reason_", "desk.do_", "desk.line_", "desk.look_", "correcting."),
        *("agency.count_", "agency.list_", "agency.said_"),
        # The mail's: a fate, a notice, a step, or what was understood of a message.
        *("fate.", "notice.", "trail.", "incoming."),
        # One of a thing is worded apart; each list has its title and its caption.
        *("mail.standstill", "mail.nobody_told", "mail.deferred", "mail.leaving"),
        *("mail.in_doubt", "mail.came_back", "mail.messages", "mail.set_aside"),
        "mail.missed",
        # A rule, its value, the files it decides; a group of rules.
        *("policy.rule_", "policy.value_", "policy.dossiers_"),
        *("policy.group_", "policy.means_"),
        # What a task's hands did, and which tasks are shown.
        *("hands.line_", "hands.said_", "hands.none_", "hands.filter_"),
        "desk.menu_",
        # An operation, what was done, and what looks wrong about an amount.
        # What a check is about, what to do, what it found, and what became of that.
        *("sweeps.check_", "sweeps.do_", "sweeps.found_", "sweeps.mend"),
        *("fees.issue", "fees.renewal", "fees.said_", "fees.warn_"),
        # A column of a file of certificates.
        *("imports.name_", "imports.of_"),
        # An operation, how a try to pay stands, a button, the state of an invoice.
        *("paying.for_", "paid.", "simulator.", "invoices.state_"),
        *("status.", "history.", "coming.", "letters.", "step.", "turn.", "kind."),
        *("verdict.", "verdict_is.", "verdict_means."),
        # A code said otherwise on a page; a status; what a stronger sign-in is for.
        *(
            "access.",
            "privacy.",
            "service.",
            "refused.",
            "sorry.title_",
            "sign_in.for_",
        ),
    )
    left_over = {
        key for key in words() if f'"{key}"' not in text and not key.startswith(chosen)
    }
    assert left_over <= {"headline.cancelled_more", "headline.result_moved_more"}
    for status in PublicStatus:
        parts = ("verdict", "verdict_is", "verdict_means")
        assert {f"{part}.{status}" for part in parts} <= set(words())
    assert {f"kind.{kind}" for kind in Kind} <= set(words())
    for phase in Phase:
        assert {f"status.{phase}", f"history.phase_{phase}"} <= set(words())


def test_every_door_and_every_failure_to_sign_in_has_its_words() -> None:
    for door in DOORS:
        assert {f"sign_in.{door}{what}" for what in ("", "_what", "_go")} <= set(
            words()
        )
    assert {f"sign_in.failed_{why}" for why in get_args(Why)} <= set(words())
    assert {f"frame.home_{home}" for home in HOMES.values()} <= set(words())


def test_what_is_said_otherwise_on_a_page_is_a_code_or_a_status_of_ours() -> None:
    refused = {key[len("refused.") :] for key in words() if key.startswith("refused.")}
    assert refused <= set(WORDINGS)
    statuses = {f"sorry.title_{wording.status}" for wording in WORDINGS.values()}
    titled = {key for key in words() if key.startswith("sorry.title_")}
    assert titled - {"sorry.title_other"} <= statuses
    assert {f"sign_in.for_{why}" for why in get_args(Reason)} <= set(words())


def test_every_state_of_a_letter_has_its_words() -> None:
    rule = next(
        each
        for each in Base.metadata.tables["letters"].constraints
        if isinstance(each, CheckConstraint) and "'queued'" in str(each.sqltext)
    )
    states = re.findall(r"'(\w+)'", str(rule.sqltext))
    assert len(states) == 10
    assert {f"letters.{state}" for state in states} <= set(words())


def test_everything_that_officers_read_of_the_mail_has_its_words() -> None:
    known = set(words())
    assert {f"fate.{fate}" for fate in Fate} <= known
    assert {f"fate.{name}" for name in COLUMNS} <= known
    assert {f"fate.means_{name}" for name in COLUMNS} <= known
    assert {f"incoming.why_{why}" for why in Unclear} <= known
    for kind, members in (
        ("nature", Nature),
        ("wish", Wish),
        ("outcome", Outcome),
        ("door", Door),
        ("proof", Proof),
    ):
        assert {f"incoming.{kind}_{member}" for member in members} <= known, kind
    for notice in Notice:
        assert "Autre lettre" not in notice_name(notice, "fr"), notice


@pytest.mark.parametrize("act", list(Act))
def test_every_duty_has_its_words(act: Act) -> None:
    notices = sorted(f.name for f in FOLDER.iterdir() if (f / "fr").is_dir())
    for notice in notices if act is Act.WRITE else [None]:
        duty = DutyView(
            key="k",
            act=act,
            notice=notice,
            due_at=noon(date(2026, 11, 24)),
            due_on=date(2026, 11, 24),
            settled=False,
            source="OPC, renouveler, S2",
        )
        lines = what_comes([duty])
        assert len(lines) == (0 if act is Act.ESCALATE else 1)
        for line in lines:
            assert line.source == "OPC, renouveler"
            for language in LANGUAGES:
                assert Voice(language).say(line.what).endswith(".")


def test_every_line_that_a_story_notes_has_its_words() -> None:
    folder = Path(__file__).parents[2] / "workflows"
    text = "\n".join(f.read_text(encoding="utf-8") for f in folder.glob("*.py"))
    noted = set(re.findall(r'turn\.note\(\s*"([a-z_]+)"', text)) - {"phase"}
    withheld = {"task_opened", "task_settled", "task_overdue"}
    told_in_general = {"result_not_promised"}
    assert len(noted) > 20
    for what in noted - withheld - told_in_general:
        assert f"history.{what}" in words(), what


def test_a_fact_is_escaped_and_worded_as_the_sentence_asks() -> None:
    said = Voice("fr")("form.back_to", number="<script>")
    assert "&lt;script&gt;" in said
    at = noon(date(2026, 1, 1))
    assert (
        instant(at, "fr")
        == "jeudi 1er janvier 2026 à 12\u00a0h\u00a000 (heure de Montréal)"
    )
    assert instant(at, "en").startswith("Thursday, January 1, 2026 at 12:00")
    with pytest.raises(KeyError):
        Voice("en")("form.back_to")


def test_all_that_a_sweep_may_find_is_worded_with_facts_that_it_has() -> None:
    for code, sentence in SAYINGS.items():
        told = {name for name, _ in facts_of(sentence)}
        said = {name for name, _ in facts_of(words()[f"sweeps.found_{code}"]["fr"])}
        assert said <= told, code
    for check in Check:
        assert {f"sweeps.check_{check}", f"sweeps.do_{check}"} <= set(words())


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("", "Inconnu"),
        ("curl/8.5", "Autre navigateur"),
        ("Windows NT 10.0) Chrome/131.0 Safari/537.36 Edg/131.0", "Edge, Windows"),
        ("(iPhone; CPU like Mac OS X) Version/18.1 Safari/604.1", "Safari, iPhone"),
        ("(Linux; Android 14) Chrome/131.0 Safari/537.36", "Chrome, Android"),
        ("(Macintosh; Intel Mac OS X 10.15) Firefox/132.0", "Firefox, Mac"),
        ("<b>Firefox/1</b>", "Firefox"),
    ],
)
def test_a_browser_is_named_as_its_owner_would(told: str, named: str) -> None:
    assert browser_name(Voice("fr"), told) == named
