"""Letters and messages as officers read them, without any story alive."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from api.access import Role
from api.v1.mail_showing import masked
from records.dossiers import stored
from records.models import DossierRow, Letter, Mail
from records.timeline import Line, append
from rules.agenda import agenda
from rules.dossier import Phase
from tests.api.doors import Doors
from tests.dossiers import HOLDER, a_holder, a_policy, noon
from tests.kept import a_letter, a_mail, a_task, letters_of_each_state, real_now

DAYS, LETTERS = "/api/v1/staff/mail/days", "/api/v1/staff/letters"
MESSAGES = "/api/v1/staff/mail/incoming"
MAIL_ID = "ab" * 32
A_DAY = timedelta(days=1)


@pytest.fixture
async def kept(away: Doors) -> Doors:
    await away.office.place(a_holder())
    return away


async def supersede(doors: Doors, due_at: datetime) -> None:
    async with doors.parts.sessions.begin() as session:
        detail = {"notice": "reminder_60", "due_at": str(due_at)}
        await append(session, HOLDER, [Line("superseded", due_at, "rule", detail)])


# --------------------------------------------------------------------------- the days


async def test_the_newest_days_are_counted_and_the_older_ones_follow(
    kept: Doors,
) -> None:
    today = kept.today
    for back in range(5):
        at = noon(today - back * A_DAY)
        await kept.office.add(
            a_letter(about=f"{back}-a", occurred_at=at),
            a_letter("expired", "bounced", about=f"{back}-b", occurred_at=at),
        )
    await supersede(kept, noon(today))

    first = await kept.get(DAYS, "officer", params={"days": "3"})
    rest = await kept.get(
        DAYS, "officer", params={"days": "3", "before": first["next_before"]}
    )

    shown = [*first["days"], *rest["days"]]
    assert [line["day"] for line in shown] == [
        str(today - back * A_DAY) for back in range(5)
    ]
    assert rest["next_before"] is None
    assert first["today"] == shown[0]
    count = shown[0]["count"]
    assert (count["due"], count["handed_over"], count["bounced"]) == (3, 2, 1)
    assert (count["superseded"], count["unexplained"]) == (1, 0)
    by_notice = {line["notice"]: line["count"]["due"] for line in shown[0]["notices"]}
    assert by_notice == {"reminder_30": 1, "expired": 1, "reminder_60": 1}


async def test_an_office_without_letters_has_a_day_of_zeros(away: Doors) -> None:
    found = await away.get(DAYS, "officer")
    assert (found["days"], found["next_before"]) == ([], None)
    assert found["today"]["day"] == str(away.today)
    assert set(found["today"]["count"].values()) == {0}
    assert found["standing"]["swept_at"] is None


async def test_how_the_mail_stands_is_told_beside_the_days(kept: Doors) -> None:
    bounced = a_letter("expired", "bounced")
    untold = a_letter(
        "expired",
        "refused",
        about="2026-12-09",
        occurred_at=real_now(),
        changed_at=real_now() - timedelta(hours=25),
    )
    await kept.office.add(
        a_letter(state="deferred"),
        a_letter("invoice", "queued", changed_at=real_now() - timedelta(hours=3)),
        bounced,
        untold,
        a_task(bounced.key),
        a_mail("m1", "task"),
        a_task("m1", "mail_unmatched"),
        a_mail("m2", "set_aside"),
    )
    standing = (await kept.get(DAYS, "officer"))["standing"]
    del standing["oldest_waiting_since"]
    assert standing == {
        "leaving": 0,
        "deferred": 1,
        "in_doubt": 0,
        "standstill": 1,
        "to_post": 1,
        "nobody_told": 1,
        "messages_with_a_task": 1,
        "messages_set_aside": 1,
        "swept_at": None,
        "findings_for_a_person": 0,
    }


async def test_what_nothing_explains_is_listed_by_what_is_lacking(
    kept: Doors,
) -> None:
    late = kept.today - 2 * A_DAY
    dossier = a_holder(late + 31 * A_DAY)
    (duty,) = (d for d in agenda(dossier, a_policy()) if d.notice == "reminder_30")
    done = [d.key for d in agenda(dossier, a_policy()) if d.due_at < duty.due_at]
    values = {
        "facts": stored(dossier),
        "version": 1,
        "kept_at": noon(dossier.opened_on),
        "phase": Phase.IN_FORCE,
        "next_due_at": duty.due_at,
        "settled": done,
    }
    async with kept.parts.sessions.begin() as session:
        await session.execute(update(DossierRow).values(values))
    three_hours_ago = real_now() - timedelta(hours=3)
    still = a_letter(
        "invoice", "queued", occurred_at=real_now(), changed_at=three_hours_ago
    )
    await kept.office.add(still)

    found = await kept.get("/api/v1/staff/mail/unexplained", "officer")
    days = await kept.get(DAYS, "officer")

    assert [(x["dossier"], x["notice"]) for x in found["missed"]] == [
        (HOLDER, "reminder_30")
    ]
    assert [x["key"] for x in found["standstill"]] == [still.key]
    assert found["nobody_told"] == []
    (line,) = [line for line in days["days"] if line["day"] == str(late)]
    assert (line["count"]["missed"], line["count"]["unexplained"]) == (1, 1)


# ------------------------------------------------------------------------ the letters


async def test_letters_are_found_by_state_notice_and_day(kept: Doors) -> None:
    at = noon(kept.today)
    await kept.office.add(
        *letters_of_each_state(occurred_at=at),
        a_letter("receipt", occurred_at=at - A_DAY),
    )
    await supersede(kept, at)

    async def keys(**params: str) -> list[str]:
        page = await kept.get(LETTERS, "officer", params=params)
        return [line["key"] or line["notice"] for line in page["letters"]]

    assert len(await keys()) == 12
    assert await keys(state="bounced") == [f"{HOLDER}/b/reminder_30"]
    assert await keys(state="no_address") == [f"{HOLDER}/no/reminder_30"]
    assert len(await keys(state="on_its_way")) == 4
    assert await keys(state="superseded") == ["reminder_60"]
    assert await keys(state="superseded", notice="reminder_90") == []
    assert await keys(state="missed") == []
    assert await keys(notice="receipt") == [f"{HOLDER}/2026-12-10/receipt"]
    assert await keys(day=str(kept.today), notice="receipt") == []
    assert await keys(day=str(kept.today - A_DAY)) == [f"{HOLDER}/2026-12-10/receipt"]


async def test_a_list_of_letters_is_read_page_by_page(kept: Doors) -> None:
    at = noon(kept.today)
    await kept.office.add(*letters_of_each_state(occurred_at=at))
    for step in range(3):
        await supersede(kept, at - step * A_DAY)
    for state, how_many in (("", 11), ("superseded", 3)):
        seen: list[str] = []
        params = {"limit": "2"} | ({"state": state} if state else {})
        while True:
            page = await kept.get(LETTERS, "officer", params=params)
            seen += [line["key"] or line["occurred_at"] for line in page["letters"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]
        assert len(seen) == len(set(seen)) == how_many


async def test_a_letter_is_shown_with_its_steps_and_the_tasks_about_it(
    kept: Doors,
) -> None:
    letter = a_letter(
        "expired",
        "sending",
        occurred_at=real_now(),
        recipient="marc@courriel.example",
        subject="Expiré",
        body="Bonjour",
    )
    await kept.office.add(letter)
    for state, answer in (("accepted", "250 2.0.0 Ok"), ("bounced", "550 5.1.1 no")):
        async with kept.parts.sessions.begin() as session:
            row = await session.get_one(Letter, letter.key)
            row.state, row.answer = state, answer
    await kept.office.add(a_task(letter.key))

    shown = await kept.get(f"{LETTERS}/{letter.key}", "officer")

    assert [(step["state"], step["answer"]) for step in shown["steps"]] == [
        ("sending", None),
        ("accepted", "250 2.0.0 Ok"),
        ("bounced", "550 5.1.1 no"),
    ]
    assert (shown["state"], shown["body"]) == ("bounced", "Bonjour")
    assert [task["reason"] for task in shown["tasks"]] == ["letter_bounced"]
    unknown = await kept.ask("GET", f"{LETTERS}/CAR/none", "officer")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_letters_to_post_come_with_their_task(kept: Doors) -> None:
    letters = [a_letter("expired", "bounced", about=str(n)) for n in range(3)]
    await kept.office.add(*letters)
    await kept.office.add(
        *(a_task(x.key, due_on=kept.today + n * A_DAY) for n, x in enumerate(letters))
    )
    path = "/api/v1/staff/mail/to-post"
    first = await kept.get(path, "officer", params={"limit": "2"})
    rest = await kept.get(path, "officer", params={"cursor": first["next_cursor"]})
    shown = [*first["letters"], *rest["letters"]]
    assert [line["letter"]["key"] for line in shown] == [x.key for x in letters]
    assert shown[0]["due_on"] == str(kept.today)
    assert rest["next_cursor"] is None


async def test_the_history_for_officers_holds_each_step_of_a_letter_once(
    kept: Doors,
) -> None:
    # By a clock moved ahead: a step bears no hour before its letter fell due.
    start = noon(kept.today + 10 * A_DAY)
    lines = [Line("email_received", start + n * A_DAY, "rule", {}) for n in range(4)]
    async with kept.parts.sessions.begin() as session:
        await append(session, HOLDER, lines)
    # At the instants of the lines, before them, between them, and after.
    for at in (start - A_DAY, start, start + 1.5 * A_DAY, start + 9 * A_DAY):
        await kept.office.add(a_letter(about=str(at), occurred_at=at))
    path = f"/api/v1/dossiers/{HOLDER}/timeline"

    whole = await kept.get(path, "officer")
    pages, params = [], {"limit": "2"}
    while True:
        pages.append(await kept.get(path, "officer", params=params))
        if pages[-1]["next_cursor"] is None:
            break
        params["cursor"] = pages[-1]["next_cursor"]
    person = await kept.get(path)

    steps = [step for page in pages for step in page["letter_steps"]]
    assert steps == whole["letter_steps"]
    assert len({step["key"] for step in steps}) == len(steps) == 4
    assert [len(page["letter_steps"]) for page in pages] == [2, 2]
    assert person["letter_steps"] == []
    assert len(person["entries"]) == 4


# ------------------------------------------------------------------------ the messages

RAW = (
    b"From: Zo\xc3\xa9 <zoe@courriel.example>\r\n"
    b"Subject: Transfert\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<p>Bonjour <b>Office</b></p><script>alert(1)</script>\r\n"
)


async def test_messages_are_listed_by_outcome_with_the_sender_masked(
    kept: Doors,
) -> None:
    await kept.office.add(
        a_mail("aa", "task", dossier=HOLDER),
        a_mail("bb", "ignored", door="imap", copies=3),
        a_task("aa", "mail_unmatched"),
    )
    (task,) = (await kept.get(MESSAGES, "officer", params={"outcome": "task"}))[
        "messages"
    ]
    assert (task["mail_id"], task["sender"]) == ("aa", "z…@courriel.example")
    assert [t["reason"] for t in task["tasks"]] == ["mail_unmatched"]
    page = await kept.get(MESSAGES, "officer", params={"limit": "1"})
    rest = await kept.get(MESSAGES, "officer", params={"cursor": page["next_cursor"]})
    listed = [*page["messages"], *rest["messages"]]
    assert {line["mail_id"]: (line["door"], line["copies"]) for line in listed} == {
        "aa": ("lmtp", 1),
        "bb": ("imap", 3),
    }


async def test_a_message_is_shown_as_text_and_saved_byte_for_byte(
    kept: Doors,
) -> None:
    understood = {"subject": "Transfert", "wish": "transfer", "numbers": [HOLDER]}
    await kept.office.add(a_mail(MAIL_ID, "task", raw=RAW, understood=understood))
    shown = await kept.get(f"{MESSAGES}/{MAIL_ID}", "officer")
    assert shown["text"] == "Bonjour Office"
    assert shown["sender"] == "zoe@courriel.example"
    assert shown["understood"] == understood
    saved = await kept.ask("GET", f"{MESSAGES}/{MAIL_ID}/raw", "officer")
    assert saved.content == RAW
    assert saved.headers["content-type"] == "message/rfc822"
    assert saved.headers["content-disposition"].startswith("attachment; filename=")
    assert saved.headers["x-content-type-options"] == "nosniff"
    for path in ("cd" * 32, f"{'cd' * 32}/raw"):
        unknown = await kept.ask("GET", f"{MESSAGES}/{path}", "officer")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_a_message_set_aside_is_looked_at_once(kept: Doors) -> None:
    await kept.office.add(a_mail(MAIL_ID, "set_aside", raw=RAW))
    path = f"{MESSAGES}/{MAIL_ID}/look"
    first = await kept.done(path, "officer")
    again = await kept.done(path, "officer")
    assert first["looked_at_by"] == "dev-officer"
    assert first["looked_at"] == again["looked_at"]
    kept_as = (await kept.office.one(Mail, MAIL_ID)).understood
    assert kept_as["subject"] == "Bonjour"
    unknown = await kept.post(f"{MESSAGES}/{'cd' * 32}/look", "officer")
    assert unknown.status_code == 404


# ----------------------------------------------------------------------- who, and what


@pytest.mark.parametrize(
    "path",
    [
        DAYS,
        LETTERS,
        MESSAGES,
        f"{LETTERS}/{HOLDER}/a/b",
        f"{MESSAGES}/{MAIL_ID}",
        f"{MESSAGES}/{MAIL_ID}/raw",
        "/api/v1/staff/mail/unexplained",
        "/api/v1/staff/mail/to-post",
    ],
)
async def test_only_officers_read_letters_and_messages(kept: Doors, path: str) -> None:
    for role in set(Role) - {Role.OFFICER}:
        assert (await kept.ask("GET", path, role)).status_code == 403
    assert (await kept.ask("GET", path)).status_code == 401


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        (DAYS, {"before": "yesterday"}, "bad_date"),
        (DAYS, {"days": "32"}, "out_of_range"),
        (LETTERS, {"state": "lost"}, "not_a_choice"),
        (LETTERS, {"day": "2026-02-30"}, "bad_date"),
        (LETTERS, {"notice": ""}, "too_short"),
        (MESSAGES, {"outcome": "burnt"}, "not_a_choice"),
    ],
    ids=str,
)
async def test_a_filter_that_makes_no_sense_is_refused(
    kept: Doors, path: str, params: dict[str, str], code: str
) -> None:
    answer = await kept.ask("GET", path, "officer", params=params)
    assert answer.status_code == 422
    assert [fault["code"] for fault in answer.json()["errors"]] == [code]


@pytest.mark.parametrize("path", [LETTERS, MESSAGES])
@pytest.mark.parametrize("cursor", ["é", "AAAA", "eA==", "MjAyNi0wMS0wMSBr"])
async def test_a_cursor_of_another_list_is_refused(
    kept: Doors, path: str, cursor: str
) -> None:
    answer = await kept.ask("GET", path, "officer", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("zoe@courriel.example", "z…@courriel.example"),
        ("z@courriel.example", "…@courriel.example"),
        (None, None),
    ],
)
def test_an_address_is_masked_to_its_first_character(address: Any, shown: Any) -> None:
    assert masked(address) == shown
