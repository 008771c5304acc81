"""From a failing history to a story a person can read: only what counts in it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from proof.histories import History, Told
from proof.reference.days import civil, instant

Fails = Callable[[History], bool]


def shrunk(history: History, fails: Fails) -> History:
    """Take away, one at a time, what the failure does not need."""
    smaller = True
    while smaller:
        smaller = False
        for less in _less(history):
            if fails(less):
                history, smaller = less, True
                break
    return history


def _less(history: History) -> Iterator[History]:
    """The histories with one thing less."""
    told = history.told
    for n in range(len(told)):
        yield replace(history, told=told[:n] + told[n + 1 :])
    for what in ("worker_down", "relay_down"):
        if getattr(history, what):
            yield replace(history, **{what: ()})  # type: ignore[arg-type] # both are such
    for notice in history.mail:
        rest = {n: meets for n, meets in history.mail.items() if n != notice}
        yield replace(history, mail=rest)
    for n, one in enumerate(told):
        if one.again:
            yield replace(
                history, told=(*told[:n], replace(one, again=()), *told[n + 1 :])
            )


def in_words(history: History, findings: list[str]) -> str:
    """Tell a history line by line, in Québec's own hours."""
    lines = [f"{history.name}: lived from {_hour(history.begins)}"]
    if history.old:
        old = history.old
        lines.append(f"  holder: {old.start} to {old.echeance} (exclusive),")
        lines.append(f"  exam passed on {old.passed_on}")
        lines += [
            f"  linked by {x.link} ({x.permit}) from {x.since}"
            + (f" until {x.until} (exclusive)" if x.until else "")
            for x in old.links
        ]
    if history.new:
        lines.append(f"  a new dossier, {history.new_number}, opened on {history.new}")
    happened = [(told.at, _in_words(told)) for told in history.told]
    for a, b in history.worker_down:
        happened += [(a, "the worker goes down"), (b, "the worker is back")]
    for a, b in history.relay_down:
        happened += [(a, "the mail relay goes down"), (b, "the mail relay is back")]
    lines += [f"  {_hour(at)}  {what}" for at, what in sorted(happened)]
    lines += [
        f"  a letter {notice} meets: {', '.join(meets)}"
        for notice, meets in history.mail.items()
    ]
    lines.append(f"  {_hour(history.until)}  the end")
    return "\n".join([*lines, *(f"  WRONG: {finding}" for finding in findings)])


def _in_words(told: Told) -> str:
    parts = [told.fact, f"to {told.to}:", told.what, told.about, told.permit]
    if told.what == "permit":
        parts.append("valid" if told.valid else "not valid any more")
    if told.on:
        parts.append(f"on {told.on}")
    if told.captured_at:
        parts.append(f"{told.cents} cents captured {_hour(told.captured_at)}")
    parts += [f"(again {_hour(at)})" for at in told.again]
    return " ".join(part for part in parts if part)


def _hour(at: datetime) -> str:
    day = civil(at)
    local = datetime.combine(day, datetime.min.time()) + (at - instant(day))
    # Midnight's offset: an hour off after the clocks moved that day, no day wrong.
    return f"{local + timedelta():%a %Y-%m-%d %H:%M:%S}"
