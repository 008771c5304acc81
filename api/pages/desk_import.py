"""Bringing in certificates from a file: given, looked at, said yes to, followed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import (
    APIRouter,
    Depends,
    File,
    Path,
    Request,
    Response,
    UploadFile,
    status,
)
from fastapi.responses import RedirectResponse
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.forms import Faults
from api.pages.rendering import Page, page
from api.parts import Parts, TheParts
from api.signin.who import TheOfficer, own_form
from intake.importing.faults import (
    FileFault,
    FileRefused,
    file_refusal,
    line_refusal,
)
from intake.importing.judging import kept_faults
from intake.importing.reading import Sheet, read_sheet
from intake.importing.writing import begin_import, foresee
from letters.plain import one_line
from records.accounts import names_of_accounts
from records.imports import (
    KEPT_FOR,
    ImportRow,
    RefusedLine,
    begin,
    import_numbered,
    keep_file,
    newest_imports,
    refusals_of,
)
from rules.dossier import Phase

MOST_LINES = 10_000
"""The most lines that a page takes: somebody waits for it. A command takes more."""

_SHOWN, _NEWEST, _LONGEST_NAME = 100, 10, 100
_FILE = "fichier"
_AWAY = (RPCError, RuntimeError, TimeoutError)

router = APIRouter(route_class=Page, include_in_schema=False)
log = logging.getLogger(__name__)
ImportId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class Shown:
    """A file as its page shows it."""

    row: ImportRow
    by: str
    refused: Sequence[tuple[int, str]]  # the line, and why not
    phases: Sequence[tuple[Phase, int]]

    @property
    def how_many_refused(self) -> int:
        """How many lines are or would be refused."""
        row = self.row
        known = row.refused if row.begun_at else int(row.foreseen["refused"])
        return max(known, len(self.refused))  # a batch may have come in between

    @property
    def may_begin(self) -> bool:
        """Whether there is anything to say yes to."""
        return self.row.begun_at is None and bool(self.row.foreseen["made"])

    @property
    def may_try_again(self) -> bool:
        """Whether what was refused may have become right meanwhile."""
        return self.row.ended_at is not None and self.row.refused > 0


@router.get("/{language:fr_or_en}/bureau/importer")
async def ask(
    request: Request, parts: TheParts, language: Language, _who: TheOfficer
) -> Response:
    """Ask for a file, and show those that came last."""
    return await _ask(request, parts, language, Faults())


@router.post("/{language:fr_or_en}/bureau/importer", dependencies=[Depends(own_form)])
async def look(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheOfficer,
    file: Annotated[UploadFile | None, File(alias=_FILE)] = None,
) -> Response:
    """Look at a file line by line and keep it; nothing is brought in yet."""
    faults = Faults()
    body = await file.read() if file is not None else b""
    if file is None or not file.filename:
        faults.add(_FILE, "imports.fault_none")
        return await _ask(request, parts, language, faults)
    try:
        sheet = _read(body)
    except FileRefused as refused:
        why = file_refusal(refused, language)
        faults.add(_FILE, "imports.fault_file", why=why)
        return await _ask(request, parts, language, faults)
    foreseen = await foresee(parts.sessions, sheet)
    name = one_line(file.filename or "" if file else "", limit=_LONGEST_NAME)
    async with parts.sessions.begin() as session:
        # The same file, already said yes to, shows how far it is.
        await keep_file(
            session,
            import_id=sheet.import_id,
            file_name=name,
            content=sheet.content,
            lines=len(sheet.lines),
            foreseen=foreseen.counts,
            refused=foreseen.refused,
            by=who.account,
        )
    return _to(language, sheet.import_id)


@router.get("/{language:fr_or_en}/bureau/importer/{import_id}")
async def see(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    import_id: ImportId,
) -> Response:
    """Show what a file would come to, how far it is, or what it came to."""
    async with parts.sessions() as session:
        row = await _known(parts, import_id)
        refused = await refusals_of(session, import_id, limit=_SHOWN)
        names = await names_of_accounts(session, {row.begun_by or row.uploaded_by})
    who = row.begun_by or row.uploaded_by
    shown = Shown(
        row,
        names.get(who, who),
        tuple(_reasons(refused, language).items()),
        tuple((phase, row.foreseen[phase]) for phase in Phase if phase in row.foreseen),
    )
    return page(
        request,
        "desk_import_one.html",
        language,
        shown=shown,
        row=row,
        most_shown=_SHOWN,
    )


@router.post(
    "/{language:fr_or_en}/bureau/importer/{import_id}", dependencies=[Depends(own_form)]
)
async def say_yes(
    parts: TheParts, language: Language, who: TheOfficer, import_id: ImportId
) -> Response:
    """Have a file brought in, once, by whoever says yes first.

    The yes is kept before the story begins: where Temporal is away, the next sweep
    begins it.
    """
    await _known(parts, import_id)
    async with parts.sessions.begin() as session:
        begun = await begin(session, import_id, by=who.account)
    if begun:
        try:
            await begin_import(parts.client, import_id)
        except WorkflowAlreadyStartedError:
            pass
        except _AWAY as away:
            log.warning("import %s waits: %s", import_id[:12], type(away).__name__)
    return _to(language, import_id)


@router.get("/{language:fr_or_en}/bureau/importer/{import_id}/refus.csv")
async def refused_lines(
    parts: TheParts, language: Language, _who: TheOfficer, import_id: ImportId
) -> Response:
    """Give the refused lines, with their reasons, to be mended and given again."""
    row = await _known(parts, import_id)
    async with parts.sessions() as session:
        refused = await refusals_of(session, import_id)
    file = read_sheet(row.content).refused_file(_reasons(refused, language))
    return Response(
        file,
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="refus.csv"'},
    )


def _read(body: bytes) -> Sheet:
    sheet = read_sheet(body)
    if len(sheet.lines) > MOST_LINES:
        raise FileRefused(FileFault.TOO_MANY_LINES, str(MOST_LINES))
    return sheet


def _reasons(refused: Sequence[RefusedLine], language: Language) -> dict[int, str]:
    return {
        each.line: line_refusal(kept_faults(each.faults), language) for each in refused
    }


async def _known(parts: Parts, import_id: str) -> ImportRow:
    async with parts.sessions() as session:
        row = await import_numbered(session, import_id)
    if row is None:
        raise Refused(Code.NOT_FOUND)
    return row


async def _ask(
    request: Request, parts: Parts, language: Language, faults: Faults
) -> Response:
    async with parts.sessions() as session:
        newest = await newest_imports(session, limit=_NEWEST)
    return page(
        request,
        "desk_import.html",
        language,
        422 if faults else 200,
        faults=faults,
        newest=newest,
        most=MOST_LINES,
        kept_days=KEPT_FOR.days,
    )


def _to(language: Language, import_id: str) -> Response:
    here = f"/{language}/bureau/importer/{import_id}"
    return RedirectResponse(here, status.HTTP_303_SEE_OTHER)
