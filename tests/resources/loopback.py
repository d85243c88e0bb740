"""A small HTTP server on loopback for answers that no decent service gives, and a small QuickBooks company on it.

Belongs here: what the tests of HTTP and of the QuickBooks connector share. The whole simulator is in `sandbox/`; this
one exists so that a test can change the books between two pages and break an answer in any way it likes.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

JSON_TYPE = "application/json;charset=utf-8"
CLAUSE = re.compile(
    r"select (?P<what>.+?) from (?P<entity>\w+)(?: where (?P<where>.+?))?(?: orderby (?P<order>[\w.]+)(?: asc)?)?"
    r"(?: startposition (?P<start>\d+))?(?: maxresults (?P<max>\d+))?$"
)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """`cut_after` closes the connection after so many bytes of the body, though more were announced."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE
    cut_after: int | None = None


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(json.dumps(value).encode(), status, headers)


@contextmanager
def serving(answer: Callable[[Request], Reply]) -> Iterator[str]:
    """Serve `answer` on loopback; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, TimeoutError):
                self.close_connection = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            reply = answer(Request(self.command, parts.path, query, dict(self.headers), body))
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if reply.cut_after is None:
                self.wfile.write(reply.body)
            else:
                self.wfile.write(reply.body[: reply.cut_after])
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class SmallCompany:
    """Rows by wire name, answering the queries and feeds that the connector sends.

    `before_query(statement)` runs before each query is answered: there a test edits the books. `clock` is what the
    company says in `time`. `calls` holds every statement and feed request.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}
        self.deleted: list[tuple[str, str, datetime]] = []
        self.clock = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
        self.calls: list[str] = []
        self.before_query: Callable[[str], None] = lambda statement: None
        self.spoil: Callable[[Request, Reply], Reply] = lambda request, reply: reply
        self.page_rows_cap = 1000

    def put(self, entity: str, external_id: str | int, at: datetime, **fields: Any) -> dict[str, Any]:
        rows = self.rows.setdefault(entity, {})
        before = rows.get(str(external_id))
        token = str(int(before["SyncToken"]) + 1) if before else "0"
        stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        row = {"Id": str(external_id), "SyncToken": token, "MetaData": {"LastUpdatedTime": stamp}, **fields}
        rows[str(external_id)] = row
        return row

    def remove(self, entity: str, external_id: str | int, at: datetime) -> None:
        self.rows[entity].pop(str(external_id))
        self.deleted.append((entity, str(external_id), at))

    def answer(self, request: Request) -> Reply:
        if request.path.endswith("/cdc"):
            self.calls.append(f"cdc {request.query['entities']} {request.query['changedSince']}")
            reply = as_json(self._feed(request.query))
        elif request.path.endswith("/query"):
            statement = request.body.decode()
            self.calls.append(statement)
            self.before_query(statement)
            reply = as_json(self._query(statement))
        else:
            self.calls.append(request.path)
            name = "Preferences" if "preferences" in request.path else "CompanyInfo"
            row = next(iter(self.rows.get(name, {}).values()), {"Id": "1"})
            reply = as_json({name: row, "time": self.clock.isoformat()})
        return self.spoil(request, reply)

    def _query(self, statement: str) -> dict[str, Any]:
        clause = CLAUSE.fullmatch(statement)
        assert clause, f"not a statement of the connector: {statement}"
        rows = [row for row in self.rows.get(clause["entity"], {}).values() if _meets(row, clause["where"] or "")]
        found: dict[str, Any] = {}
        if clause["order"] == "Id":
            rows.sort(key=lambda row: int(row["Id"]))
        else:
            rows.sort(key=lambda row: (row["MetaData"]["LastUpdatedTime"], int(row["Id"])))
        first = int(clause["start"] or 1) - 1
        page = rows[first : first + min(int(clause["max"]), self.page_rows_cap)]
        if page:
            found = {clause["entity"]: page, "startPosition": first + 1, "maxResults": len(page)}
        return {"QueryResponse": found, "time": self.clock.isoformat()}

    def _feed(self, query: dict[str, str]) -> dict[str, Any]:
        since = datetime.fromisoformat(query["changedSince"])
        groups, left = [], 1000
        for entity in query["entities"].split(","):
            live = [row for row in self.rows.get(entity, {}).values() if _time(row) >= since]
            stubs = [
                {"Id": gone, "status": "Deleted", "MetaData": {"LastUpdatedTime": at.isoformat()}}
                for name, gone, at in self.deleted
                if name == entity and at >= since
            ]
            objects = (sorted(live, key=_time) + stubs)[:left]
            left -= len(objects)
            groups.append({entity: objects, "startPosition": 1, "maxResults": len(objects)} if objects else {})
        return {"CDCResponse": [{"QueryResponse": groups}], "time": self.clock.isoformat()}


def _time(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["MetaData"]["LastUpdatedTime"])


def _meets(row: dict[str, Any], where: str) -> bool:
    for condition in where.split(" and ") if where else []:
        if found := re.fullmatch(r"MetaData\.LastUpdatedTime (>=|<) '(.+)'", condition):
            moment = datetime.fromisoformat(found[2])
            if not (_time(row) >= moment if found[1] == ">=" else _time(row) < moment):
                return False
        elif found := re.fullmatch(r"(\w+) in \((.+)\)", condition):
            if found[1] == "Active":
                continue
            if str(row.get(found[1])) not in re.findall(r"'([^']*)'", found[2]):
                return False
        else:
            raise AssertionError(f"not a condition of the connector: {condition}")
    return True
