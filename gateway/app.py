"""The gateway as one ASGI application."""

from __future__ import annotations

from fastapi import FastAPI

from gateway import (
    conflicts,
    connecting,
    connections,
    documents,
    health,
    metrics,
    problems,
    subscriptions,
    switching,
    webhooks,
)
from gateway.access import Access
from gateway.console import add_console
from gateway.limits import BodyLimit
from gateway.log import RequestLog
from resources.services import Services

CALLS_A_MINUTE_MAX = 100
BODY_BYTES_MAX = 1_000_000

DESCRIPTION = """Reads and writes the ledger, switches modules and directions, shows and settles conflicts.

Send `Authorization: Bearer KEY`; `tieout keys make NAME --role viewer|operator|admin` makes one. Amounts are texts
(`"12.30"`), days are `YYYY-MM-DD`, instants are UTC. Errors are problem documents (RFC 9457).
"""


def build_app(services: Services, *, calls_a_minute_max: int = CALLS_A_MINUTE_MAX) -> FastAPI:
    """Everything that is served, over these services. Raises nothing; a database that is away is said by `/health`."""
    app = FastAPI(
        title="Tieout",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses=problems.DOCUMENTED,
    )
    app.state.services = services
    app.state.access = Access(services, calls_a_minute_max=calls_a_minute_max)
    app.state.inbound = webhooks.Inbound(services)
    problems.answer_with_problems(app)
    metrics.count_requests(app)
    for module in (health, metrics, connections, connecting, switching, conflicts, documents, subscriptions, webhooks):
        app.include_router(module.router)
    add_console(app)
    app.add_middleware(BodyLimit, bytes_max=BODY_BYTES_MAX)
    app.add_middleware(RequestLog)
    return app
