"""The reference of the JSON interface, as one plain page without any script."""

import html
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter()


@router.get("/api/docs", include_in_schema=False)
async def read_reference(request: Request) -> HTMLResponse:
    """List every operation, with what it takes and answers."""
    description = request.app.openapi()
    operations = "\n".join(
        _operation(method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    )
    return HTMLResponse(
        _PAGE.format(operations=operations),
        headers={"Content-Security-Policy": _ONE_STYLE},
    )


_ONE_STYLE = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="fr-CA">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Échéance&nbsp;: référence de l'interface</title>
<link rel="stylesheet" href="/static/portal.css">
<main>
<h1>Échéance&nbsp;: référence de l'interface</h1>
<p>Description complète pour les machines&nbsp;:
<a href="/api/openapi.json">/api/openapi.json</a>.
Chaque demande sous /api/v1 porte un jeton&nbsp;: <code>Authorization: Bearer …</code>,
sauf la vérification d'un certificat.
Les erreurs suivent la RFC 9457 (<code>application/problem+json</code>).</p>
<p lang="en">Complete description for machines: see the link above. Each request under
/api/v1 bears a token, but for the verification of a certificate. Errors follow RFC
9457. What follows is in English.</p>
{operations}
</main>
</html>
"""


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = [
        f"{p['name']} ({p['in']}{', required' if p.get('required') else ''})"
        for p in operation.get("parameters", [])
    ]
    answers = [
        f"{status}: {answer['description']}"
        for status, answer in operation["responses"].items()
    ]
    return "\n".join(
        (
            f'<section lang="en"><h2><code>{method.upper()} {_text(path)}</code></h2>',
            f"<p>{_text(operation.get('description', ''))}</p>",
            _list("Parameters", parameters),
            _list("Body", _body(operation)),
            _list("Answers", answers),
            "</section>",
        )
    )


def _body(operation: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schemas = [kind.get("schema", {}).get("$ref", "") for kind in content.values()]
    return [schema.rpartition("/")[2] for schema in schemas if schema]


def _list(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{_text(line)}</li>" for line in lines)
    return f"<h3>{title}</h3><ul>{items}</ul>"


def _text(text: str) -> str:
    return html.escape(str(text))
