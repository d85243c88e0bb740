"""The simulated ERPs, and what each must offer so that the rest of this package can run it.

Belongs here: the registry and the interface; nothing else in `sandbox/*.py` knows an ERP by name, but for the commands
that fill one company (`load_*.py`). To add an ERP: write `sandbox/<erp>/plug.py` with the two functions of `Plug` and
add its line to `ERPS`. Nothing else changes: the command line, the control API, faults, clock, effects journal,
snapshots, webhooks and persistence then work for it.

What an ERP is given is a `World` (world.py). It must take the time from `world.clock` and random values from
`world.ids` (event ids of webhooks from `world.event_ids`), report each change to its books to `world.effects.add(...)`,
and, when `world.journal` is not None, write there what a restart must know (`take` and `entries` below). If it has
webhooks, it sets `world.webhooks.notices` once and calls `world.webhooks.publish(...)` with each change.
"""

import argparse
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol

import msgspec

from sandbox.http import Answer, Request
from sandbox.switches import Switchboard
from sandbox.world import World

ERPS = {
    "quickbooks": "sandbox.quickbooks.plug",
    "xero": "sandbox.xero.plug",
}
"""The module of each ERP's plug; imported only when that ERP is asked for."""

COMMON_ANSWERS = (
    "throttled",
    "server_error",
    "unavailable",
    "gateway_timeout",
    "unauthorized",
    "error_200",
    "html_200",
)
"""Answers every ERP has under these names for fault rules: its 429, its own 500, 503 and 504 as its gateway writes
them, its 401, status 200 with an error inside, status 200 with a page of HTML."""


class Erp(Protocol):
    """One simulated company. Every method runs in the server's one thread; none may wait."""

    options: Switchboard
    """The switches (a subclass of Switchboard)."""

    def handle(self, request: Request, *, authenticated: bool = False) -> Answer:
        """Answer one request of the ERP's API, OAuth included; never raises for a wrong request.

        `authenticated` skips tokens and limits (the control API's edits). A change is made before this returns, and
        reported with `world.effects.add`; a repeated key that changes nothing is reported with `replay=True`.
        """
        ...

    def reset(self, seed: str, number: int) -> dict[str, int]:
        """Start over with an "empty" or the "demo" company (generated from `number`); counts by entity. Tokens and
        remembered keys go, switches stay. Raises ValueError."""
        ...

    def load(self, objects: dict[str, list[msgspec.Raw]]) -> dict[str, int]:
        """Store the ERP's own objects as given; counts by entity. Raises ValueError."""
        ...

    def state(self, entity: str | None) -> Iterator[bytes]:
        """All objects (or those of one entity) as one JSON object of lists by entity, in pieces, as `load` takes it.
        Raises ValueError for an unknown entity."""
        ...

    def edit_request(self, edit: dict[str, Any]) -> Request:
        """The ERP's own request for one edit by a person: {"method", "path", "body"}, or in words.
        Raises ValueError."""
        ...

    def tokens(self) -> dict[str, Any]:
        """A fresh grant: client id and secret, access and refresh token, and the ERP's id of the company."""
        ...

    def disconnect(self) -> None:
        """The company's user takes every app off: no token given so far reaches the company any more."""
        ...

    def answer_named(self, name: str, request: Request) -> Answer:
        """The answer called `name` (one of COMMON_ANSWERS, or the ERP's own). Raises ValueError for an unknown name."""
        ...

    def remember(self, request: Request, answer: Answer) -> None:
        """Store an answer that a fault rule made under the request's key, as if it had been the ERP's own."""
        ...

    def snapshot(self) -> Any:
        """Everything but what the World keeps, as values that later changes leave alone; quick, because a test does it
        often: copy dictionaries, never objects."""
        ...

    def restore(self, snapshot: Any) -> None:
        """Put a snapshot back. It may be put back again later, so it must not be changed by what follows."""
        ...

    def entries(self) -> Iterator[tuple[Any, ...]]:
        """The journal entries (kind, then JSON values) that make the present state; kinds must not begin with
        "world-"."""
        ...

    def take(self, kind: str, *values: Any) -> None:
        """Take over one entry read from a journal; numbers with a point come as Decimal."""
        ...


class Plug(Protocol):
    """What the module of an ERP's plug has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Command line arguments of this ERP alone (such as the id of its company)."""
        ...

    def build(self, world: World, arguments: argparse.Namespace) -> Erp:
        """The company, not yet reset. `arguments.no_limits` asks for no rate limits. Raises ValueError."""
        ...


def plug_of(name: str) -> Plug:
    """The plug of a registered ERP."""
    plug: Any = import_module(ERPS[name])
    return plug
