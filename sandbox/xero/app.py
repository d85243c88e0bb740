"""The Xero simulator as its clients meet it: what stands before the accounting API.

Belongs here: identity's paths, tokens, organisations and limits in front, Idempotency-Key, the representation of the
answer, its headers. Which request does what is `routes.py`, the organisations' life `company.py`.
"""

import traceback
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sandbox.http import Answer, Request, compressed
from sandbox.xero import answers, routes, scopes, wire, xml
from sandbox.xero.company import Company
from sandbox.xero.edits import API
from sandbox.xero.identity import Bearer
from sandbox.xero.recorder import Recorder
from sandbox.xero.replays import key_of
from sandbox.xero.resources import BY_PATH
from sandbox.xero.wire import NotFound, Problem


class Xero(Company):
    """All simulated organisations. Satisfies `sandbox.erps.Erp`."""

    def handle(self, request: Request, *, authenticated: bool = False) -> Answer:
        """Answer one request; problems are answers too, nothing is raised for a wrong request."""
        found = self.identity.handle(request)
        if found is not None:
            self.keep_identity()
            return found
        trace = self.world.ids.uuid()
        answer = self._answered(request, trace, authenticated)
        if self._wants_xml(request, answer):
            answer = _in_xml(answer, request.path)
        headers = {**wire.NO_CACHE, "Xero-Correlation-Id": trace, **answer.headers}
        return compressed(replace(answer, headers=headers), request)

    def _answered(self, request: Request, trace: str, authenticated: bool) -> Answer:
        now, path = self.world.clock.now(), request.path.rstrip("/")
        is_api = path.lower().startswith(API + "/")
        if not is_api and path.lower().partition("/connections")[0] != "":
            return answers.not_found(self.options.not_found_body)
        bearer: Bearer | None = None
        if not authenticated:
            who = self.identity.bearer(request.headers.get("authorization"))
            if isinstance(who, datetime):
                return answers.expired(trace, who)
            if who is None:
                return answers.unauthorized(trace)
            bearer = who
        if not is_api:
            found = self.connections.handle(request, bearer.client_id if bearer else "")
            self.keep_identity()
            return found or answers.not_found(self.options.not_found_body)
        tenant_id = request.headers.get("xero-tenant-id", "").lower() or (bearer.only_tenant if bearer else "")
        if tenant_id not in self.tenants or (bearer and not self.connections.is_connected(bearer.client_id, tenant_id)):
            return answers.forbidden(trace)
        parts = path[len(API) + 1 :].split("/")
        if bearer is None:
            return self._carried_out(request, parts, tenant_id, trace, "")
        counted_at = now if self.options.limits_clock == "simulator" else datetime.now(UTC)
        answer = self._limited(request, tenant_id, counted_at) or self._scoped(request, parts, bearer, trace)
        answer = answer or self._once(request, parts, tenant_id, trace, bearer.client_id)
        return replace(
            answer, headers={**answer.headers, **self.limits.headers(tenant_id, counted_at, self.options.day_limit)}
        )

    def _limited(self, request: Request, tenant_id: str, now: datetime) -> Answer | None:
        if not self.options.rate_limits:
            return None
        problem = self.limits.problem(tenant_id, now, request.in_flight, self.options.day_limit)
        return answers.throttled(*problem) if problem is not None else None

    def _scoped(self, request: Request, parts: list[str], bearer: Bearer, trace: str) -> Answer | None:
        if self.options.scopes == "ignored" or scopes.allows(bearer.scope, request.method, parts):
            return None
        return answers.missing_scope(trace, self.options.missing_scope_status, self.options.scope_spelling)

    def _once(self, request: Request, parts: list[str], tenant_id: str, trace: str, client_id: str) -> Answer:
        """Carry the request out, or repeat the answer given to the same Idempotency-Key before."""
        try:
            known = self.replays.known(client_id, request)
        except Problem as problem:
            return Answer(problem.status, wire.encode(wire.problem(problem)), wire.JSON)
        if known is not None:
            Recorder(self, tenant_id, request, trace, client_id).replayed(parts)
            return known
        answer = self._carried_out(request, parts, tenant_id, trace, client_id)
        self.replays.keep(client_id, request, answer)
        return answer

    def _carried_out(self, request: Request, parts: list[str], tenant_id: str, trace: str, client_id: str) -> Answer:
        tenant, now = self.tenants[tenant_id], self.world.clock.now()
        recorder = Recorder(self, tenant_id, request, trace, client_id)
        ids = tenant.books.ids.count
        try:
            call = routes.Call(tenant, self.options, request, now, trace, recorder.changed)
            return routes.answer(call, parts)
        except NotFound:
            return answers.not_found(self.options.not_found_body)
        except Problem as problem:
            return Answer(problem.status, wire.encode(wire.problem(problem)), wire.JSON)
        except Exception:
            # A mistake of the simulator's own: the service would answer so too, and the trace is for whoever mends it.
            traceback.print_exc()
            return answers.named("server_error", trace, now)
        finally:
            recorder.keep(ids)

    def _wants_xml(self, request: Request, answer: Answer) -> bool:
        if not request.path.lower().startswith(API) or answer.content_type != wire.JSON or answer.status in (401, 403):
            return False
        accept = request.headers.get("accept")
        if accept is None:
            return self.options.no_accept_header == "xml"
        return "xml" in accept and "json" not in accept

    def answer_named(self, name: str, request: Request) -> Answer:
        """One of the answers of `answers.py`. Raises ValueError."""
        return answers.named(name, self.world.ids.uuid(), self.world.clock.now())

    def remember(self, request: Request, answer: Answer) -> None:
        bearer: Any = self.identity.bearer(request.headers.get("authorization"))
        if key_of(request) and isinstance(bearer, Bearer):
            self.replays.keep(bearer.client_id, request, answer, is_forced=True)


def _in_xml(answer: Answer, path: str) -> Answer:
    if answer.status == 200:
        return Answer(200, xml.answer(answer.body), xml.XML, answer.headers)
    resource = BY_PATH.get(path[len(API) + 1 :].partition("/")[0].lower())
    kind = resource.singular if resource is not None else ""
    return Answer(answer.status, xml.answer(answer.body, "ApiException", kind), xml.XML, answer.headers)
