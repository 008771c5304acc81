"""Errors in the caller's language, never a trace: pages for people, and for machines
problem details (RFC 9457).
"""

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from api.codes import Code
from api.errors import RETRY_AFTER_S, WORDINGS, Refused, StoryAway, wait_told
from api.language import Language, language_of
from api.pages.rendering import refusal
from api.signin.who import whoever
from rules.numbers import BadNumber

MEDIA_TYPE = "application/problem+json"


def problem(
    asked: HTTPConnection,
    code: str,
    *,
    about: Mapping[str, object] | None = None,
    **members: Any,
) -> JSONResponse:
    """Build the answer for a code of WORDINGS, with further members."""
    language = language_of(asked.headers.get("accept-language"))
    wording = WORDINGS[code]
    body = {
        "type": "about:blank",
        "title": HTTPStatus(wording.status).phrase,
        "status": wording.status,
        "detail": wording.said_in(language, about or {}),
        "code": code,
        **members,
    }
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    if wording.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if wording.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return JSONResponse(body, wording.status, headers, media_type=MEDIA_TYPE)


_FOR_MACHINES = (
    "/api/",
    "/simulator/",
    "/healthz",
    "/livez",
    "/readyz",
    "/version",
    "/metrics",
)


def no(request: Request, refused: Refused, **members: Any) -> Response:
    """Say why not: on a page, or to a machine as a problem with further members."""
    if not request.url.path.startswith(_FOR_MACHINES):
        return refusal(request, refused)
    answer = problem(request, refused.code, about=refused.about, **members)
    answer.headers.update(wait_told(refused))
    return answer


def handle_errors(app: FastAPI) -> None:
    """Have every error answered, of a route or of none."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_such_thing)
    app.add_exception_handler(SQLAlchemyError, _records_at_fault)


async def _refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    members = {"idempotency_key": refused.key} if isinstance(refused, StoryAway) else {}
    return no(request, refused, **members)


async def _invalid(request: Request, invalid: Exception) -> Response:
    assert isinstance(invalid, RequestValidationError)
    language = language_of(request.headers.get("accept-language"))
    faults: list[dict[str, Any]] = []
    for error in invalid.errors():
        # Two parts of one route may have asked for the same thing.
        if (fault := _fault(error, language)) not in faults:
            faults.append(fault)
    return no(request, Refused(Code.INVALID_REQUEST), errors=faults)


_BY_STATUS = {
    HTTPStatus.NOT_FOUND: Code.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: Code.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Code.BODY_TOO_LARGE,
}


async def _no_such_thing(request: Request, raised: Exception) -> Response:
    assert isinstance(raised, HTTPException)
    with suppress(SQLAlchemyError):  # the page is shown all the same, to nobody
        await whoever(request)
    status = HTTPStatus(raised.status_code)
    answer = no(request, Refused(_BY_STATUS.get(status, Code.BAD_REQUEST)))
    if raised.headers and "Allow" in raised.headers:
        answer.headers["Allow"] = raised.headers["Allow"]
    return answer


_AWAY = (InterfaceError, OperationalError, PoolTimeout)


async def _records_at_fault(request: Request, raised: Exception) -> Response:
    """Answer for a database that is away; any other error of ours is an incident."""
    lost = isinstance(raised, DBAPIError) and raised.connection_invalidated
    if lost or isinstance(raised, _AWAY):
        return no(request, Refused(Code.RECORDS_AWAY))
    raise raised


# ----------------------------------------------------------------- one field at fault

_KINDS: dict[str, Code] = {
    "missing": Code.MISSING,
    "extra_forbidden": Code.UNKNOWN_FIELD,
    "json_invalid": Code.MALFORMED_JSON,
    "string_too_short": Code.TOO_SHORT,
    "string_too_long": Code.TOO_LONG,
    "string_pattern_mismatch": Code.NOT_A_CHOICE,
    "enum": Code.NOT_A_CHOICE,
    "literal_error": Code.NOT_A_CHOICE,
    "greater_than_equal": Code.OUT_OF_RANGE,
    "less_than_equal": Code.OUT_OF_RANGE,
    "date_from_datetime_parsing": Code.BAD_DATE,
    "date_from_datetime_inexact": Code.BAD_DATE,
    "date_parsing": Code.BAD_DATE,
}


def _fault(error: dict[str, Any], language: Language) -> dict[str, str]:
    place, *path = (str(part) for part in error["loc"])
    code, about = _code_of(error)
    fault = {"code": code, "detail": WORDINGS[code].said_in(language, about)}
    if place == "body":
        # A fault of the whole text has a position and no field.
        fields = [] if code == Code.MALFORMED_JSON else path
        escaped = (f.replace("~", "~0").replace("/", "~1") for f in fields)
        fault["pointer"] = "".join(f"/{field}" for field in escaped)
    else:
        fault["in"] = place
        fault["parameter"] = ".".join(path)
    return fault


def _code_of(error: dict[str, Any]) -> tuple[str, dict[str, str]]:
    context = error.get("ctx", {})
    wrong = context.get("error")
    if isinstance(wrong, BadNumber):
        return f"number_{wrong.problem}", {"detail": wrong.detail}
    kind = error["type"]
    if kind == "refused":
        return context["code"], {}
    if kind in _KINDS:
        return _KINDS[kind], {}
    typed = kind.endswith(("_type", "_parsing"))
    return Code.WRONG_TYPE if typed else Code.BAD_VALUE, {}
