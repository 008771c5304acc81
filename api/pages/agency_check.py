"""An agency's list of certificate numbers, checked line by line; a file in, a file out.

The answers are the public register's: an agency learns no more than anybody.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.agency import MyAgency
from api.pages.forms import Faults
from api.pages.rendering import Page, page
from api.parts import TheParts
from api.signin.who import TheAgency, own_form
from api.v1.number_lists import COLUMNS, LONGEST_LIST
from api.v1.verification import check_list

router = APIRouter(route_class=Page, include_in_schema=False)
_LIST = "liste"
_AT_ITS_FIELD = frozenset({Code.TOO_MANY_LINES, Code.BAD_REQUEST})


@router.get("/{language:fr_or_en}/agence/verifier")
async def write(request: Request, language: Language, _who: TheAgency) -> Response:
    """Ask for a list, written or as a file."""
    return _page(request, language, "", Faults())


@router.post("/{language:fr_or_en}/agence/verifier", dependencies=[Depends(own_form)])
async def check(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheAgency,
    agency: MyAgency,
    file: Annotated[UploadFile | None, File(alias="fichier")] = None,
    written: Annotated[str, Form(alias=_LIST)] = "",
    wanted: Annotated[str, Form(alias="forme")] = "page",
) -> Response:
    """Show the answers beside each line, or give them as a file."""
    body = (await file.read() if file is not None else b"") or written.encode()
    text = body.decode("utf-8", errors="replace")
    faults = Faults()
    if not body.strip():
        faults.add(_LIST, "agency.fault_list")
        return _page(request, language, written, faults)
    asks = f"agency {agency.permit if agency else who.account}"
    try:
        checked = await check_list(parts, asks, body, language)
    except Refused as refused:
        if refused.code not in _AT_ITS_FIELD:
            raise
        faults.refused(_LIST, refused)
        return _page(request, language, text, faults)
    if wanted == "csv":
        answer = checked.as_file()
        answer.headers["Content-Disposition"] = 'attachment; filename="verifiees.csv"'
        return answer
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in checked.rows]
    return _page(request, language, text, faults, rows)


def _page(
    request: Request,
    language: Language,
    text: str,
    faults: Faults,
    rows: list[dict[str, object]] | None = None,
) -> Response:
    return page(
        request,
        "agency_check.html",
        language,
        422 if faults else 200,
        written={_LIST: text},
        faults=faults,
        rows=rows,
        wrong=sum(1 for row in rows or () if row["error_code"]),
        most=LONGEST_LIST,
    )
