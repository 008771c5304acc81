"""The whole JSON interface, version 1: for machines, and for pages yet to come."""

from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from api.problems import MEDIA_TYPE
from api.v1 import (
    dossiers,
    ledger,
    mail,
    partners,
    payments,
    policies,
    staff,
    sweeps,
    verification,
)


class FieldFault(BaseModel):
    """One field at fault: by JSON pointer in the body, by name elsewhere."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Problem(BaseModel):
    """An answer that is not a yes (RFC 9457); *code* is stable, *detail* is read."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldFault] | None = None
    incident: str | None = None
    idempotency_key: str | None = None


_MEANINGS = {
    400: "The request cannot be read.",
    401: "No valid token, or no valid signature.",
    403: "Not for this role.",
    404: "Unknown number, task, link or permit.",
    405: "Wrong method.",
    409: "Not now, or not any more: the code says why.",
    413: "Too long.",
    422: "A mistake in what was sent, field by field.",
    429: "Too often; try again after Retry-After seconds.",
    500: "A mistake of ours, with an incident number.",
    503: "A part of ours is away; try again after Retry-After seconds.",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": meaning,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, meaning in _MEANINGS.items()
}

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
for subject in (
    dossiers,
    partners,
    payments,
    mail,
    staff,
    sweeps,
    ledger,
    policies,
    verification,
):
    router.include_router(subject.router)


def describe_problems(app: FastAPI) -> None:
    """Put the shape of problems beside the shapes of answers in the description."""
    describe = app.openapi

    def with_problems() -> dict[str, Any]:
        description = describe()
        schemas = description.setdefault("components", {}).setdefault("schemas", {})
        for model in (FieldFault, Problem):
            schemas[model.__name__] = model.model_json_schema(
                ref_template="#/components/schemas/{model}"
            )
        schemas["Problem"].pop("$defs", None)
        return description

    app.openapi = with_problems  # type: ignore[method-assign] # the documented way
