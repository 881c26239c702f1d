"""The web application: a page, a description, and predictions as JSON."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from harness.errors import UserError
from harness.printable import printable_json
from harness.serving.models import Served

MOST_BYTES, MOST_ROWS = 1_000_000, 64
FOR_FILES = "Use harness predict for files."
LOCAL = ("localhost", "127.0.0.1", "[::1]")
Row = dict[str, Any]


class RefusedError(Exception):
    """A request that can't be answered.

    Attributes:
        status: The HTTP status.
        lines: What is wrong, and what to do.
    """

    def __init__(self, status: int, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.status = status
        self.lines = lines


def application(served: Served, *, hosts: Sequence[str] = LOCAL) -> Starlette:
    """Create the application.

    - `GET /`: a page to try the models.
    - `GET /api`: the columns and the models.
    - `POST /api/predict` with `{"rows": [{column: text}]}`: predictions, as from `harness predict`.

    Args:
        served: The models.
        hosts: The host names that requests may use. This prevents pages from elsewhere from reaching the server through
            another name for this machine (DNS rebinding).
    """

    async def show(_: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'"
        template = _templates().get_template("page.html")
        html = template.render(**served.description(), nonce=nonce)  # The nonce allows its own script and style.
        return HTMLResponse(html, headers={"Content-Security-Policy": f"{policy}; frame-ancestors 'none'"})

    async def describe(_: Request) -> Response:
        return _json(served.description())

    async def predict(request: Request) -> Response:
        try:
            rows = await _rows(request)
            return _json({"models": await run_in_threadpool(served.answer, rows)})
        except RefusedError as error:
            return _json({"errors": error.lines}, error.status)
        except UserError as error:
            return _json({"errors": error.lines}, 422)

    routes = [Route("/", show), Route("/api", describe), Route("/api/predict", predict, methods=["POST"])]
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))])


def _templates() -> Environment:
    return Environment(loader=PackageLoader("harness.serving"), autoescape=True, undefined=StrictUndefined)


async def _rows(request: Request) -> list[Row]:
    """The rows of a request.

    Raises:
        RefusedError: It is too large, or has none.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise RefusedError(415, "Content-Type: must be application/json.")
    try:
        content = json.loads(await _body(request))
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"The body is not JSON ({error}).") from error
    rows = content.get("rows") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise RefusedError(400, 'The body must be {"rows": [{COLUMN: TEXT, …}, …]}; GET /api names the columns.')
    if len(rows) > MOST_ROWS:
        raise RefusedError(413, f"At most {MOST_ROWS} rows at a time (got {len(rows):,}). {FOR_FILES}")
    return rows


async def _body(request: Request) -> bytes:
    """The body, of which no more is read than is taken.

    Raises:
        RefusedError: It is longer.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise RefusedError(413, f"At most {MOST_BYTES:,} bytes at a time. {FOR_FILES}")
        parts.append(part)
    return b"".join(parts)


def _json(content: Any, status: int = 200) -> Response:
    """Format JSON as in `harness predict`: unserializable values as text, and no terminal control characters."""
    text = printable_json(json.dumps(content, ensure_ascii=False, default=str))
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(text, status, media_type="application/json", headers=headers)
