"""Numbers for Prometheus: the tenant's, read when they are asked for, and this process's own requests."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access import Caller, Viewer
from resources.stores import measures
from resources.stores.measures import DURATION_BUCKETS_SECONDS, Measures
from resources.stores.quota import company_key

router = APIRouter(tags=["health"])


class _Requests:
    """What one process has answered."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answered = Counter(
            "tieout_gateway_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "tieout_gateway_request_seconds", "How long they took", ["method", "route"], registry=self.registry
        )
        self.connections = Gauge(
            "tieout_database_connections", "Connections of this process to the database", registry=self.registry
        )


class RequestCount:
    """Counts every request of an application. ASGI and no more: it is passed by each of them."""

    def __init__(self, app: ASGIApp, *, kept: _Requests) -> None:
        self._app = app
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            # The route, never the path: an id is not a label.
            route = getattr(scope.get("route"), "path", "none")
            self._kept.answered.labels(scope["method"], route, status).inc()
            self._kept.seconds.labels(scope["method"], route).observe(time.perf_counter() - began)


def count_requests(app: FastAPI) -> None:
    """Count every request of an application."""
    app.state.requests = _Requests()
    app.add_middleware(RequestCount, kept=app.state.requests)


@router.get("/metrics", response_class=Response)
def metrics(request: Request, caller: Viewer) -> Response:
    """This tenant's numbers and this process's own, in Prometheus's text format."""
    kept: _Requests = request.app.state.requests
    kept.connections.set(caller.services.db.connection_count)
    with caller.transaction() as tx:
        found = measures.read(tx)
        calls_left = measures.calls_left(tx, _companies(caller))
    registry = CollectorRegistry()
    registry.register(_Tenant(found, calls_left))
    return Response(generate_latest(registry) + generate_latest(kept.registry), media_type=CONTENT_TYPE_LATEST)


def _companies(caller: Caller) -> dict[str, str]:
    """By connection, the key under which its ERP's calls are counted."""
    found = {}
    for one in caller.connections():
        erp = caller.services.erp(one)
        found[one.name] = company_key(
            erp.name, one.settings.get(erp.app_key, ""), one.settings.get(erp.company_key, "")
        )
    return found


class _Tenant(Collector):
    def __init__(self, found: Measures, calls_left: Mapping[tuple[str, str], int]) -> None:
        self._found = found
        self._calls_left = calls_left

    def collect(self) -> Iterator[Metric]:
        found = self._found
        # Gauges, not counters: old runs are pruned.
        runs = GaugeMetricFamily("tieout_runs", "Runs kept, by how they ended", labels=["connection", "kind", "state"])
        for labels, count in found.runs.items():
            runs.add_metric(labels, count)
        yield runs
        took = HistogramMetricFamily("tieout_run_seconds", "How long runs took", labels=["connection", "kind"])
        for labels, (counts, seconds) in found.durations.items():
            bounds = [*map(str, DURATION_BUCKETS_SECONDS), "+Inf"]
            took.add_metric(labels, list(zip(bounds, counts, strict=True)), seconds)
        yield took
        errors = GaugeMetricFamily("tieout_open_errors", "Errors that are open", labels=["connection", "kind"])
        for labels, count in found.errors.items():
            errors.add_metric(labels, count)
        yield errors
        queues = GaugeMetricFamily(
            "tieout_queue", "Edits noted, intents open, conflicts open, webhooks to be told", labels=["queue"]
        )
        for name, count in found.queues.items():
            queues.add_metric([name], count)
        yield queues
        dead = GaugeMetricFamily(
            "tieout_dead_deliveries", "Webhooks that were given up and not sent again, a month long", labels=["webhook"]
        )
        for webhook, count in found.dead_deliveries.items():
            dead.add_metric([str(webhook)], count)
        yield dead
        left = GaugeMetricFamily(
            "tieout_api_calls_left",
            "Calls that the ERP still allows, by window: window is the shortest one, day a day",
            labels=["connection", "window"],
        )
        for labels, count in self._calls_left.items():
            left.add_metric(labels, count)
        yield left
        watermarks = GaugeMetricFamily(
            "tieout_watermark_age_seconds", "How long ago all was read", labels=["connection", "entity"]
        )
        for labels, age in found.watermark_ages.items():
            watermarks.add_metric(labels, age)
        yield watermarks
        tokens = GaugeMetricFamily("tieout_token_age_seconds", "How old the newest token set is", labels=["connection"])
        for name, age in found.token_ages.items():
            tokens.add_metric([name], age)
        yield tokens
