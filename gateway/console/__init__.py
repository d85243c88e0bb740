"""The console: pages for people, made on the server. A module per page, its template beside it.

Belongs here: what a page shows and what its buttons do, both by the functions of `resources` that the command line and
the API use as well. Who is logged in is `visitors.py`; how a page is made and refused is `pages.py`; what is asked of
the database is in `resources/stores`. No page needs JavaScript: htmx only spares a reload.
"""

from fastapi import FastAPI

from gateway.console import (
    breaks,
    codes,
    conflicts,
    connecting,
    connections,
    deliveries,
    entering,
    errors,
    health,
    lost,
    records,
    settings,
    static,
    subscriptions,
    switching,
)
from gateway.console.visitors import visitor_of


def add_console(app: FastAPI) -> None:
    """Serve the console under /console."""
    for module in (
        *(static, entering, connecting, connections, settings, codes, health, conflicts, errors, breaks, records),
        *(deliveries, subscriptions, switching),
        # Whatever else begins with /console is a page that there is not.
        lost,
    ):
        app.include_router(module.router, include_in_schema=False)
    # A browser that an ERP's consent page sends back shows its session, and no key.
    app.state.visitor_of = visitor_of
