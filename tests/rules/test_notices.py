"""Which notices speak of a right: each is a letter, and none of money alone."""

from datetime import date

from letters.facts import Notice
from rules.dossier import Kind
from rules.notices import ABOUT_A_RIGHT
from rules.policy import load_policy


def test_every_notice_about_a_right_is_a_letter() -> None:
    assert {str(notice) for notice in Notice} | {"cancellation_asked"} >= ABOUT_A_RIGHT


def test_every_step_of_a_ladder_speaks_of_a_right() -> None:
    policy = load_policy(Kind.CAR, date(2026, 11, 26))
    steps = {rung.notice for rung in (*policy.reminders, *policy.exam_ladder)}
    assert steps <= ABOUT_A_RIGHT


def test_a_receipt_takes_no_right_away() -> None:
    assert not {"receipt", "account_dormant", "transfer_received"} & ABOUT_A_RIGHT
