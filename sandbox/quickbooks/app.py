"""The QuickBooks Online simulator as its clients meet it: what stands before the accounting API.

Belongs here: OAuth's paths, tokens and limits in front, requestid, trace ids, the representation of the answer. Which
request does what is `routes.py`, the company's life `company.py`.
"""

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import msgspec

from sandbox.http import Answer, Request, compressed
from sandbox.quickbooks import answers, routes, wire, xml
from sandbox.quickbooks.company import Company
from sandbox.quickbooks.replays import request_id_of
from sandbox.quickbooks.spec import BY_NAME
from sandbox.quickbooks.store import key_of
from sandbox.quickbooks.wire import Refusal


class QuickBooks(Company):
    """One simulated company. Satisfies `sandbox.erps.Erp`."""

    def handle(self, request: Request, *, authenticated: bool = False) -> Answer:
        """Answer one request; faults are answers too, nothing is raised for a wrong request."""
        began, started = self.world.clock.now(), time.perf_counter()
        oauth = self.oauth.handle(request)
        if oauth is not None:
            self.keep_oauth()
            return oauth
        trace = wire.trace_id(began, self.world.ids.hex(12))
        answer = self._answered(request, began, started, trace, authenticated)
        if self._wants_xml(request):
            answer = xml.answer_in_xml(answer)
        answer = replace(answer, headers={**answer.headers, "intuit_tid": trace})
        return compressed(answer, request) if self.options.gzip else answer

    def _answered(self, request: Request, began: datetime, started: float, trace: str, authenticated: bool) -> Answer:
        parts = request.path.strip("/").split("/")
        if len(parts) < 4 or parts[:2] != ["v3", "company"]:
            return Answer(404, b"<html><body><h1>404 Not Found</h1></body></html>", "text/html")
        if not authenticated:
            refused = self.oauth.check(request.headers.get("authorization"), parts[2], began)
            if refused is not None:
                return refused
            at = began.timestamp() if self.options.limits_clock == "simulator" else started
            if self.options.rate_limits and not self.limits.admits(request.in_flight, parts[3] == "batch", at):
                return self.answer_named("throttled", request)
        request_id = request_id_of(request)
        self.recorder.begin(request_id, trace)
        try:
            known = self.replays.known(request, request_id) if request_id else None
        except Refusal as refusal:
            return wire.fault(refusal, began)
        if known is not None:
            self._report_replay(known)
            return known
        if authenticated and request.query.get("operation") == "merge":
            answer = self._carried_out(request, began, lambda: routes.merge(self, request, parts[3:], began))
        else:
            answer = self._carried_out(request, began, lambda: routes.answer(self, request, parts[3:], began, started))
        if request_id:
            self.replays.keep(request, request_id, answer)
        return answer

    def _report_replay(self, answer: Answer) -> None:
        if answer.status != 200 or not answer.content_type.startswith("application/json"):
            return
        for name, value in wire.decode(answer.body).items():
            if name in BY_NAME:
                self.recorder.replayed(name, key_of(BY_NAME[name], value), value)
            elif name == "BatchItemResponse":
                for item in value:
                    for entity in BY_NAME.keys() & item.keys():
                        self.recorder.replayed(entity, key_of(BY_NAME[entity], item[entity]), item[entity])

    def _carried_out(self, request: Request, began: datetime, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except Refusal as refusal:
            return wire.fault(refusal, began)
        except msgspec.DecodeError as error:
            return wire.fault(Refusal("2010", f"Property Name:{error} specified is unsupported or invalid"), began)
        except Exception:
            # A mistake of the simulator's own: the service would answer so too, and the trace is for whoever mends it.
            traceback.print_exc()
            return self.answer_named("server_error", request)

    def _wants_xml(self, request: Request) -> bool:
        accept = request.headers.get("accept")
        if accept is None:
            return self.options.no_accept_header == "xml"
        return "xml" in accept and "json" not in accept

    def answer_named(self, name: str, request: Request) -> Answer:
        """One of the answers of `answers.py`. Raises ValueError."""
        return answers.named(name, self.world.clock.now(), self.options.throttle_body)

    def remember(self, request: Request, answer: Answer) -> None:
        request_id = request_id_of(request)
        if request_id:
            self.replays.keep(request, request_id, answer, is_forced=True)
