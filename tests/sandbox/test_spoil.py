"""A simulator mounted in the same process, without a socket: what an ASGI client sees of its faults."""

import asyncio
from typing import Any

import pytest

from sandbox import spoil
from sandbox.faults import FaultRule
from sandbox.host import Host
from sandbox.quickbooks.app import QuickBooks
from sandbox.service import Service
from sandbox.spoil import ConnectionCutError
from sandbox.world import World


@pytest.fixture
def host() -> Host:
    world = World()
    service = Service(QuickBooks(world, realm_id="1"), world)
    service.reset("empty", 1)
    return Host(service)


def call(host: Host, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body as an ASGI client puts them together."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "scheme": "http", "headers": []}
    asyncio.run(host(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_it_answers_without_a_server(host: Host):
    assert call(host, "GET", "/.well-known/openid_configuration")[0] == 200
    assert call(host, "GET", "/_sandbox/clock")[0] == 200


def test_a_cut_connection_is_an_error_to_the_caller(host: Host):
    host.service.faults.replace([FaultRule(drop="before")], host.service.world.clock.now())

    with pytest.raises(ConnectionCutError):
        call(host, "GET", "/.well-known/openid_configuration")

    assert [(each["status"], each["fault"]) for each in host.service.log] == [(0, True)]


def test_a_request_that_takes_too_long_is_given_up_undone(host: Host, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spoil, "REQUEST_SECONDS_MAX", 0.01)
    host.service.faults.replace([FaultRule(delay_seconds=0.02)], host.service.world.clock.now())

    status, body = call(host, "GET", "/.well-known/openid_configuration")

    assert (status, body[:6]) == (504, b"<html>")
