"""Who may do what at the front door: each role and each action, another tenant's ids, no key, too many calls."""

from __future__ import annotations

import pytest

from resources.stores import api_keys
from tests.books import Books
from tests.gateway.conftest import Client, key_of, serving
from tests.house import CONNECTION

REASON = {"reason": "a look around"}
ACTIONS = {
    "viewer": [
        ("GET", "/v1/connections", None),
        ("GET", "/v1/invoices", None),
        ("GET", "/v1/invoices/1", None),
        ("GET", "/v1/conflicts", None),
        ("GET", "/v1/integrations/erp-sync", None),
        ("GET", "/metrics", None),
        ("GET", "/v1/webhooks", None),
        ("GET", "/v1/webhooks/1", None),
    ],
    "operator": [
        ("POST", f"/v1/connections/{CONNECTION}/test", None),
        ("POST", "/v1/integrations/erp-sync/enable", REASON),
        ("POST", "/v1/customers", {"name": "Somebody New", "currency": "USD"}),
        ("PATCH", "/v1/invoices/1", {"memo": "changed"}),
        ("POST", "/v1/conflicts/1/resolve", {"keep": "ours"}),
        ("GET", "/v1/webhooks/1/deliveries", None),
        ("POST", "/v1/webhooks/1/deliveries/1/redeliver", None),
    ],
    "admin": [
        ("POST", "/v1/admin/maintenance", {"enabled": False, **REASON}),
        ("GET", f"/connect/quickbooks?name={CONNECTION}&return_to=//elsewhere", None),
        ("POST", f"/v1/connections/{CONNECTION}/reconnect?return_to=//elsewhere", None),
        ("POST", "/v1/connections/nobody/disconnect", None),
        ("POST", "/v1/webhooks", {"url": "https://10.0.0.1/", "events": ["invoice.paid"]}),
        ("PATCH", "/v1/webhooks/1", {"enabled": True}),
        ("DELETE", "/v1/webhooks/1", None),
    ],
}
EVERY = [(role, *action) for role, actions in ACTIONS.items() for action in actions]


@pytest.mark.parametrize(("role", "method", "path", "body"), EVERY)
def test_each_action_is_open_to_its_role_and_those_above_and_to_nobody_else(callers, role, method, path, body):
    answers = {who: caller.call(method, path, body).status_code for who, caller in callers.items() if who != "stranger"}

    allowed = api_keys.ROLES[api_keys.ROLES.index(role) :]
    assert answers.pop("nobody") == 401
    assert {who for who, status in answers.items() if status != 403} == set(allowed)


def test_every_route_is_in_the_table_or_open_on_purpose(url: str):
    routes = {
        (method.upper(), path) for path, of in Client(url).get("/openapi.json").json()["paths"].items() for method in of
    }
    opened = {
        (method, path)
        for method, path in routes
        if Client(url).call(method, path.replace("{", "").replace("}", "")).status_code != 401
    }

    assert opened == {("GET", "/health"), ("GET", "/health/database"), ("GET", "/health/dagster")}


def test_another_tenant_sees_and_touches_nothing_of_this_one(callers: dict[str, Client], books: Books):
    stranger = callers["stranger"]
    invoice = next(iter(books.ledger_ids("invoices")))
    assert stranger.get("/v1/invoices").json() == {"items": [], "next": None}
    assert stranger.get("/v1/connections").json() == []
    subscribed = {"url": "https://ours.example/", "events": ["invoice.paid"]}
    webhook = callers["admin"].post("/v1/webhooks", subscribed).json()["id"]
    assert stranger.get("/v1/webhooks").json() == []
    assert stranger.call("GET", f"/connect/quickbooks?name={CONNECTION}").status_code == 422
    for method, path, body in [
        ("GET", "/v1/invoices/1", None),
        ("PATCH", "/v1/invoices/1", {"memo": "mine now"}),
        ("POST", f"/v1/connections/{CONNECTION}/test", None),
        ("POST", "/v1/integrations/erp-sync/disable", {"connection": CONNECTION, **REASON}),
        ("GET", "/v1/conflicts/1", None),
        ("POST", f"/v1/connections/{CONNECTION}/disconnect", None),
        ("POST", f"/v1/connections/{CONNECTION}/reconnect", None),
        ("GET", f"/v1/webhooks/{webhook}", None),
        ("PATCH", f"/v1/webhooks/{webhook}", {"url": "https://mine.example/"}),
        ("DELETE", f"/v1/webhooks/{webhook}", None),
        ("GET", f"/v1/webhooks/{webhook}/deliveries", None),
        ("POST", f"/v1/webhooks/{webhook}/deliveries/1/redeliver", None),
    ]:
        assert stranger.call(method, path, body, If_Match='"1"').status_code == 404, (method, path)
    # A reference to a row of another tenant is as good as none.
    line = {"kind": "description", "description": "x", "amount": "1.00"}
    theirs = {"customer_id": 1, "issue_date": "2026-01-01", "currency": "USD", "total_amount": "1.00", "lines": [line]}
    refused = stranger.post("/v1/invoices", theirs, Idempotency_Key="theirs")
    assert refused.status_code == 422, (refused.text, invoice)
    assert callers["admin"].get(f"/v1/webhooks/{webhook}").json()["url"] == "https://ours.example/"
    assert callers["admin"].call("DELETE", f"/v1/webhooks/{webhook}").status_code == 204


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "tieout.default.000000000000.x",
        "tieout.default'--.0.x",
        "tieout..0.x",
        "é" * 300,
        "tieout.default.0." + "x" * 10_000,
    ],
)
def test_what_is_no_key_opens_nothing(url: str, key: str):
    refused = Client(url).get(
        "/v1/connections", Authorization=f"Bearer {key}".encode("latin-1", "replace").decode("latin-1")
    )

    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert "Bearer KEY" in refused.json()["next_step"]


def test_a_key_with_another_secret_or_of_another_tenant_opens_nothing(callers: dict[str, Client], url: str):
    prefix, _, key_id, secret = callers["admin"].key.split(".")
    other = secret[:-1] + ("B" if secret.endswith("A") else "A")
    for forged in (f"{prefix}.default.{key_id}.{other}", f"{prefix}.elsewhere.{key_id}.{secret}"):
        assert Client(url, forged).get("/v1/connections").status_code == 401


def test_a_revoked_key_ends_and_is_nowhere_to_be_read(books: Books):
    key = key_of(books, "viewer")
    with books.services.db.transaction("default") as tx:
        api_keys.revoke(tx, tenant="default", key_id=key.split(".")[2], by="test")

    with serving(books.services, calls_a_minute_max=10) as url:
        assert Client(url, key).get("/v1/connections").status_code == 401
    assert key not in str(books.rows("select * from sync.api_keys"))


def test_too_many_calls_are_told_to_wait_and_others_are_not(books: Books):
    with serving(books.services, calls_a_minute_max=3) as url:
        busy, other = (Client(url, key_of(books, "viewer")) for _ in range(2))
        answers = [busy.get("/v1/connections") for _ in range(5)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
        assert other.get("/v1/connections").status_code == 200
        assert busy.get("/health").status_code in (200, 503)
