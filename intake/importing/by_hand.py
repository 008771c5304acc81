"""A file brought in from a command line: looked at first, written only when asked."""

import getpass
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from engine import connect
from intake.importing.faults import FileRefused, file_refusal, line_refusal, said
from intake.importing.judging import Judged, kept_faults
from intake.importing.reading import Sheet, read_sheet
from intake.importing.writing import BringingIn, Foreseen, foresee
from letters.wording import Language
from records.database import Sessions, make_engine, make_sessions
from records.imports import (
    ImportRow,
    RefusedLine,
    begin,
    import_numbered,
    keep_file,
    refusals_of,
)
from rules.civil_time import last_day
from settings import Settings

WELL, SOME_REFUSED, NOT_DONE = 0, 1, 2
"""What the command leaves with."""

Kept = tuple[int, list[dict[str, str]]]
"""A refused line, and its faults as they are kept."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for at the command line."""

    file: Path
    write: bool
    encoding: str
    at_once: int
    language: Language


async def bring_in_by_hand(settings: Settings, wish: Wish, console: Console) -> int:
    """Look at a file, and bring it in where that is asked; answer the exit code."""
    by_hand = _ByHand(wish, console)
    try:
        body = wish.file.read_bytes()
    except OSError:
        by_hand.say("no_file", file=wish.file)
        return NOT_DONE
    try:
        sheet = read_sheet(body, wish.encoding)
    except FileRefused as refused:
        by_hand.print(file_refusal(refused, wish.language))
        return NOT_DONE
    try:
        async with AsyncExitStack() as opened:
            engine = make_engine(settings.database_url, connections=4)
            opened.push_async_callback(engine.dispose)
            return await by_hand.go(settings, make_sessions(engine), sheet)
    except (SQLAlchemyError, OSError, RPCError, RuntimeError) as away:
        by_hand.say("away", why=type(away).__name__)
        return NOT_DONE


@dataclass(frozen=True, slots=True)
class _ByHand:
    """The person at the terminal: what they asked, and where they read."""

    wish: Wish
    console: Console

    def print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False)

    def say(self, key: str, **facts: object) -> None:
        self.print(said(key, self.wish.language, **facts))

    async def go(self, settings: Settings, sessions: Sessions, sheet: Sheet) -> int:
        foreseen = await foresee(sessions, sheet)
        if not self.wish.write:
            return self._report(sheet, foreseen)
        await _say_yes(sessions, sheet, foreseen, self.wish.file.name)
        client = await connect(settings, lazy=True)
        bringing = BringingIn(sessions, client, sheet.import_id, self.wish.at_once)
        with Progress(console=self.console, transient=True) as progress:
            bar = progress.add_task(said("bar", self.wish.language), total=None)

            def tell(row: ImportRow) -> None:
                progress.update(bar, completed=row.started, total=row.lines)

            await bringing.to_the_end(tell)
        async with sessions() as session:
            row = await import_numbered(session, sheet.import_id)
            refused = await refusals_of(session, sheet.import_id)
        assert row is not None
        return self._ended(sheet, row, refused)

    def _report(self, sheet: Sheet, foreseen: Foreseen) -> int:
        for batch in foreseen.batches:
            for each in batch.judged:
                self.print(self._line(each))
        counts = foreseen.counts
        self.say("would", **_only(counts, "made", "there", "refused"))
        if counts["letters"]:
            self.say("reminded", count=counts["letters"])
        self._keep_refused(sheet, foreseen.refused.items())
        self.say("dry")
        return SOME_REFUSED if foreseen.refused else WELL

    def _line(self, judged: Judged) -> str:
        at, language = judged.line.at, self.wish.language
        if judged.faults:
            why = line_refusal(judged.faults, language)
            return said("line_refused", language, line=at, why=why)
        assert judged.line.holder is not None
        number = judged.line.holder.number
        if judged.arrival is None:
            return said("line_there", language, line=at, number=number)
        echeance = judged.arrival.dossier.echeance
        assert echeance is not None
        status = said(judged.arrival.phase, language, last=last_day(echeance))
        return said("line_make", language, line=at, number=number, status=status)

    def _ended(
        self, sheet: Sheet, row: ImportRow, refused: Sequence[RefusedLine]
    ) -> int:
        kept = [(each.line, each.faults) for each in refused]
        for line, faults in kept:
            why = line_refusal(kept_faults(faults), self.wish.language)
            self.say("line_refused", line=line, why=why)
        self.say("did", made=row.made, there=row.there, refused=row.refused)
        self._keep_refused(sheet, kept)
        return SOME_REFUSED if kept else WELL

    def _keep_refused(self, sheet: Sheet, refused: Iterable[Kept]) -> None:
        reasons = {
            line: line_refusal(kept_faults(faults), self.wish.language)
            for line, faults in refused
        }
        if not reasons:
            return
        file = self.wish.file.with_name(f"{self.wish.file.stem}.refused.csv")
        file.write_bytes(sheet.refused_file(reasons))
        self.say("refused_file", file=file)


async def _say_yes(
    sessions: Sessions, sheet: Sheet, foreseen: Foreseen, file_name: str
) -> None:
    """Keep the file and the yes; whoever began it before is joined, or followed."""
    by = f"command line, {getpass.getuser()}"
    async with sessions.begin() as session:
        await keep_file(
            session,
            import_id=sheet.import_id,
            file_name=file_name,
            content=sheet.content,
            lines=len(sheet.lines),
            foreseen=foreseen.counts,
            refused=foreseen.refused,
            by=by,
        )
        await begin(session, sheet.import_id, by=by)


def _only(counts: dict[str, int], *names: str) -> dict[str, int]:
    return {name: counts[name] for name in names}
