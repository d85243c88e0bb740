"""Numbers for Prometheus: the tenant's, read when they are asked for, and this process's own requests."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.access import Viewer
from resources.stores import measures
from resources.stores.measures import DURATION_BUCKETS_SECONDS, Measures

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


def count_requests(app: FastAPI) -> None:
    """Count every request of an application."""
    app.state.requests = _Requests()

    @app.middleware("http")
    async def counted(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.perf_counter()
        given = await answer(request)
        # The route, never the path: an id is not a label.
        route = getattr(request.scope.get("route"), "path", "none")
        kept: _Requests = app.state.requests
        kept.answered.labels(request.method, route, given.status_code).inc()
        kept.seconds.labels(request.method, route).observe(time.perf_counter() - began)
        return given


@router.get("/metrics", response_class=Response)
def metrics(request: Request, caller: Viewer) -> Response:
    """This tenant's numbers and this process's own, in Prometheus's text format."""
    kept: _Requests = request.app.state.requests
    kept.connections.set(caller.services.db.connection_count)
    with caller.transaction() as tx:
        found = measures.read(tx)
    registry = CollectorRegistry()
    registry.register(_Tenant(found))
    return Response(generate_latest(registry) + generate_latest(kept.registry), media_type=CONTENT_TYPE_LATEST)


class _Tenant(Collector):
    def __init__(self, found: Measures) -> None:
        self._found = found

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
        queues = GaugeMetricFamily("tieout_queue", "Edits noted, intents open, conflicts open", labels=["queue"])
        for name, count in found.queues.items():
            queues.add_metric([name], count)
        yield queues
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
