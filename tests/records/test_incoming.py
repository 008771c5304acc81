"""Messages that came in: listed, looked at, and counted while they wait."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from records.incoming import (
    SET_ASIDE_TOO_LONG,
    end_of_next_working_day,
    look_at,
    mail_numbered,
    mails_for_people,
    mails_matching,
    mails_set_aside_unread,
    mails_with_an_open_task,
    raw_mail,
    tasks_about,
)
from records.models import Mail
from tests.activities.office import Office
from tests.dossiers import TODAY, a_holder
from tests.kept import a_mail, a_task, real_now

DAYS = timedelta(days=1)


@pytest.fixture(autouse=True)
async def _holder(office: Office) -> None:
    await office.place(a_holder())


async def test_messages_are_listed_newest_first_page_by_page(office: Office) -> None:
    at = real_now()
    await office.add(
        *(a_mail(f"m{n}", received_at=at) for n in range(3)),
        a_mail("old", "task", received_at=at - DAYS),
    )
    seen: list[str] = []
    after = None
    async with office.sessions() as session:
        while page := await mails_matching(session, None, after=after, limit=2):
            seen += [mail.mail_id for mail in page]
            after = (page[-1].received_at, page[-1].mail_id)
        (task,) = await mails_matching(session, "task", after=None, limit=9)

    assert seen == ["m2", "m1", "m0", "old"]
    assert (task.mail_id, task.subject) == ("old", "Bonjour")


async def test_one_message_is_found_by_its_id_with_its_bytes(office: Office) -> None:
    await office.add(a_mail("m1", raw=b"\xff\x00raw"))
    async with office.sessions() as session:
        found = await mail_numbered(session, "m1")
        assert found is not None
        assert (found.outcome, found.door, found.copies) == ("ignored", "lmtp", 1)
        assert await raw_mail(session, "m1") == b"\xff\x00raw"
        assert await mail_numbered(session, "m2") is None
        assert await raw_mail(session, "m2") is None


async def test_the_open_task_about_a_message_comes_before_a_settled_one(
    office: Office,
) -> None:
    await office.add(
        a_task("m1", "mail_to_read", closed_at=real_now(), due_on=TODAY - DAYS),
        a_task("m1", "address_by_mail", due_on=TODAY),
        a_task("m2", "mail_to_read"),
    )
    async with office.sessions() as session:
        found = await tasks_about(session, ["m1", "m3"])

    assert list(found) == ["m1"]
    assert [task.reason for task in found["m1"]] == ["address_by_mail", "mail_to_read"]


async def test_who_looked_at_a_message_first_is_noted_once(office: Office) -> None:
    await office.add(a_mail("m1", "set_aside"))
    at = real_now()
    async with office.sessions.begin() as session:
        assert await look_at(session, "m1", by="dev-officer", at=at)
        assert await look_at(session, "m1", by="somebody-else", at=at + DAYS)
        assert not await look_at(session, "m2", by="dev-officer", at=at)

    understood = (await office.one(Mail, "m1")).understood
    assert understood == {
        "subject": "Bonjour",
        "looked_at": at.isoformat(),
        "looked_at_by": "dev-officer",
    }


def local(month: int, day: int, hour: int) -> datetime:
    """An hour of 2026 in Québec, in winter."""
    return datetime(2026, month, day, hour, tzinfo=UTC) + timedelta(hours=5)


@pytest.mark.parametrize(
    ("received", "limit"),
    [
        (local(11, 23, 9), local(11, 25, 0)),  # Monday: Tuesday is the whole next day
        (local(11, 23, 23), local(11, 25, 0)),
        (local(11, 27, 12), local(12, 1, 0)),  # Friday: Monday
        (local(11, 28, 12), local(12, 1, 0)),  # Saturday: Monday
        (local(12, 24, 12), local(12, 29, 0)),  # before Christmas, a week-end after
    ],
    ids=["monday", "monday night", "friday", "saturday", "christmas eve"],
)
def test_a_message_may_wait_to_the_end_of_the_next_working_day(
    received: datetime, limit: datetime
) -> None:
    assert end_of_next_working_day(received) == limit


async def test_a_message_whose_task_is_open_too_long_is_one_that_waits(
    office: Office,
) -> None:
    received = local(11, 23, 9)
    limit = local(11, 25, 0)
    await office.add(
        a_mail("waits", "task", received_at=received),
        a_mail("settled", "task", received_at=received),
        a_mail("fact", "fact", received_at=received),
        a_mail("silent", "ignored", received_at=received),
    )
    # By the dossier's own clock the task was opened in two years.
    later: dict[str, Any] = {
        "opened_at": received + 730 * DAYS,
        "due_on": TODAY + 740 * DAYS,
    }
    await office.add(
        a_task("waits", "mail_unmatched"),
        a_task("settled", "mail_unmatched", closed_at=real_now()),
        a_task("fact", "mail_to_read", **later),
    )
    async with office.sessions() as session:
        before = await mails_with_an_open_task(
            session, now=limit - timedelta(seconds=1), limit=9
        )
        after = await mails_with_an_open_task(session, now=limit, limit=9)

    assert before == ()
    assert {waiting.mail_id for waiting in after} == {"waits", "fact"}


async def test_a_message_set_aside_that_nobody_looked_at_is_one_too_many(
    office: Office,
) -> None:
    limit = real_now() - SET_ASIDE_TOO_LONG
    second = timedelta(seconds=1)
    looked = {"subject": "Loterie", "looked_at": "2026-11-24T00:00:00+00:00"}
    await office.add(
        a_mail("old", "set_aside", received_at=limit - second),
        a_mail("seen", "set_aside", received_at=limit - second, understood=looked),
        a_mail("new", "set_aside", received_at=limit + second),
        a_mail("ignored", "ignored", received_at=limit - second),
        a_mail("asked", "task", received_at=limit - second),
    )
    await office.add(a_task("asked", "mail_unmatched"))
    async with office.sessions() as session:
        found = await mails_set_aside_unread(session, before=limit, limit=9)
        counted = await mails_for_people(session)

    assert [waiting.mail_id for waiting in found] == ["old"]
    assert (counted.with_a_task, counted.set_aside) == (1, 2)
