"""What stands before every route: sizes and shapes of bodies, health, metrics, what is told of a failure."""

from __future__ import annotations

import json
import re
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

from gateway.limits import depth_of
from resources.services import Services
from resources.stores import webhooks
from tests.books import Books
from tests.gateway.conftest import CALL_SECONDS_MAX, Client, key_of, serving
from tests.house import CONNECTION


def sent(client: Client, body: bytes, **headers: str) -> requests.Response:
    named = {"Authorization": f"Bearer {client.key}", "Content-Type": "application/json", **headers}
    return requests.post(
        f"{client.url}/v1/integrations/erp-sync/enable", data=body, headers=named, timeout=CALL_SECONDS_MAX
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b'{"reason": "' + b"x" * 1_000_001 + b'"}', 413, id="too long"),
        pytest.param(b"[" * 5000 + b"]" * 5000, 400, id="too deep"),
        pytest.param(b'{"reason": ' * 100 + b"1" + b"}" * 100, 400, id="objects too deep"),
        pytest.param(b'{"reason": "ends', 422, id="cut short"),
        pytest.param(b"\xff\xfe", 422, id="no text"),
        pytest.param(b"", 422, id="empty"),
        pytest.param(b"null", 422, id="null"),
        pytest.param(b"[]", 422, id="a list"),
        pytest.param(b'{"reason": "' + b"[{" * 40 + b'"}', 200, id="brackets in a text"),
        pytest.param(b'{"reason": "x", "module": "gl"}', 422, id="an unknown module"),
        pytest.param(b'{"reason": "   "}', 422, id="a reason of blanks"),
    ],
)
def test_a_body_that_cannot_be_is_refused_with_a_problem(operator: Client, body: bytes, status: int):
    answer = sent(operator, body)

    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


def test_a_body_that_says_no_length_is_cut_off_too(operator: Client):
    def endless():
        for _ in range(200):
            yield b"x" * 10_000

    try:
        answer = requests.post(
            f"{operator.url}/v1/integrations/erp-sync/enable",
            data=endless(),
            headers={"Authorization": f"Bearer {operator.key}"},
            timeout=CALL_SECONDS_MAX,
        )
    except requests.ConnectionError:
        return
    assert answer.status_code == 413


def test_headers_cannot_be_injected(operator: Client):
    where = urlsplit(operator.url)
    with socket.create_connection((where.hostname, where.port), timeout=CALL_SECONDS_MAX) as wire:
        wire.sendall(
            b"GET /v1/invoices?connection=a%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Authorization: Bearer " + operator.key.encode() + b"\r\n\r\n"
        )
        answer = wire.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 422")
    assert b"set-cookie" not in answer.split(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        (b"", 0),
        (b'{"a": [1, {"b": 2}]}', 3),
        (b'"[[["', 0),
        (b'{"a": "\\"[["}', 1),
        (b'"\\\\"[[1]]', 2),
        (b"[" * 20, 20),
        (b'["[[[', 1),
        (b"]]][", 0),
    ],
)
def test_depth_is_counted_outside_of_texts(text: bytes, depth: int):
    assert depth_of(text) == depth


@pytest.mark.parametrize(
    "body",
    [b"[" * 1_000_000, b"[" * 500_000 + b"]" * 500_000, b"[{}]" * 250_000, b'"\\' * 500_000, b'["a",' * 200_000],
    ids=["opened", "nested", "beside each other", "escapes", "texts"],
)
def test_the_worst_megabyte_is_counted_in_time_that_grows_with_it_and_not_with_its_square(body: bytes):
    began = time.process_time()

    depth_of(body)

    # Hundredths of a second; with the square it would be hours. So wide a bound is kept by the busiest machine.
    assert time.process_time() - began < 20


def test_health_says_what_is_well_and_what_is_not(books: Books, viewer: Client):
    assert Client(viewer.url).get("/health/database").json() == {"status": "ok"}
    assert Client(viewer.url).get("/health").json()["database"] == {"status": "ok"}
    with Services(books.services.settings) as own, serving(own) as url:
        own.db.close()

        down = Client(url).get("/health/database")
        refused = Client(url, viewer.key).get("/v1/invoices")

    assert (down.status_code, down.json()["status"]) == (503, "down")
    assert refused.status_code == 503 and "Traceback" not in refused.text


def test_metrics_tell_the_tenants_numbers_and_no_other(callers: dict[str, Client]):
    mine, theirs = callers["viewer"].get("/metrics").text, callers["stranger"].get("/metrics").text

    assert f'tieout_runs{{connection="{CONNECTION}",kind="delta",state="done"}}' in mine or "tieout_runs{" in mine
    assert f'tieout_watermark_age_seconds{{connection="{CONNECTION}",entity="invoices"}}' in mine
    assert f'tieout_token_age_seconds{{connection="{CONNECTION}"}}' in mine
    assert 'tieout_queue{queue="outbox"}' in mine and 'tieout_queue{queue="webhooks"}' in mine
    (left,) = re.findall(
        rf'^tieout_api_calls_left{{connection="{CONNECTION}",window="window"}} ([0-9.]+)$', mine, re.MULTILINE
    )
    assert 0 <= float(left) <= 500
    assert "tieout_gateway_requests_total" in mine and "tieout_run_seconds_bucket" in mine
    assert CONNECTION not in theirs


def test_metrics_count_the_deliveries_that_were_given_up_until_they_are_sent_again(callers: dict[str, Client], books):
    with books.services.db.transaction("default") as tx:
        made = webhooks.make(tx, tenant="default", url="https://a.example/hook", events=["sync.failed"], by="test")
        tx.execute(
            "with event as (insert into sync.events (tenant_id, type, subject, data) values ('default', 'sync.failed', "
            "'runs/1', '{}') returning seq) insert into sync.deliveries (tenant_id, webhook_id, seq, subject, state) "
            "select 'default', %s, seq, 'runs/1', unnest(array['dead', 'dead', 'delivered']) from event",
            (made.webhook_id,),
        )
        webhooks.change(tx, made.webhook_id, is_enabled=False)

    def told(who: str) -> list[str]:
        found = callers[who].get("/metrics").text
        return re.findall(rf'^tieout_dead_deliveries{{webhook="{made.webhook_id}"}} ([0-9.]+)$', found, re.MULTILINE)

    assert told("viewer") == ["2.0"]
    assert told("stranger") == []
    for one in books.rows("select delivery_id from sync.deliveries where state = 'dead'"):
        path = f"/v1/webhooks/{made.webhook_id}/deliveries/{one['delivery_id']}/redeliver"
        assert callers["operator"].post(path).status_code == 200
    assert told("viewer") == ["0.0"]


def test_switches_and_maintenance_work_and_are_audited(callers: dict[str, Client], books: Books):
    off = {"module": "ar", "direction": "push", "reason": "prices under review"}
    operator, admin = callers["operator"], callers["admin"]

    assert operator.post("/v1/integrations/erp-sync/disable", off).json() == {"switched": {CONNECTION: ["ar push"]}}
    (listed,) = operator.get("/v1/integrations/erp-sync").json()
    assert (listed["reason"], listed["switched_by"]) == ("prices under review", "api:a operator")
    assert operator.post("/v1/integrations/erp-sync/enable", off).json() == {"switched": {CONNECTION: ["ar push"]}}
    began = admin.post("/v1/admin/maintenance", {"enabled": True, "reason": "the server moves"})
    assert began.json() == {"enabled": True, "changed": True}
    assert admin.post("/v1/admin/maintenance", {"enabled": False, "reason": "done"}).json()["changed"]
    actions = [row["action"] for row in books.rows("select action from sync.audit order by seq")]
    assert actions[-4:] == ["switch.off", "switch.on", "maintenance.on", "maintenance.off"]


def test_a_connection_is_tested_and_an_unknown_one_is_not(operator: Client):
    assert operator.post(f"/v1/connections/{CONNECTION}/test").json()["home_currency"] == "USD"
    assert operator.post("/v1/connections/nobody/test").status_code == 404
    assert operator.post("/v1/connections/NO BODY/test").status_code == 422


def test_the_log_is_json_without_secrets_or_queries(books: Books, caplog: pytest.LogCaptureFixture):
    key = key_of(books, "viewer")
    with caplog.at_level("INFO", "tieout.gateway"), serving(books.services, calls_a_minute_max=10) as url:
        Client(url, key).get("/v1/invoices?connection=qbo&limit=1")

    (record,) = [one for one in caplog.records if hasattr(one, "request")]
    assert record.request["path"] == "/v1/invoices" and record.request["status"] == 200
    assert key not in json.dumps(record.request) and "limit" not in json.dumps(record.request)
