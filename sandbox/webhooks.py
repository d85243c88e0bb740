"""Webhooks of any simulated ERP: who is to hear of which change, when, and what goes wrong on the way.

Belongs here: endpoints, grouping changes into deliveries, rules that spoil deliveries, retries, the log. How a delivery
is written and signed is told by the ERP (`Notices`); sending is `postman.py`. All times are the simulator's clock. Two
threads come here, the server's and the postman's, so every public method holds the lock.
"""

import threading
from collections import deque
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import msgspec

from sandbox.clock import Clock
from sandbox.notices import Change, Delivery, DeliveryRule, Endpoint, Notices, State, copied
from sandbox.persist import Journal

LOG_ENTRIES_MAX = 50_000


class Webhooks:
    """The endpoints of one simulator and what waits to be sent to them."""

    def __init__(self, clock: Clock, journal: Journal | None = None) -> None:
        self._clock, self._journal = clock, journal
        self.changed = threading.Condition()
        self.notices: Notices | None = None
        self._state = State()
        self._rules: list[DeliveryRule] = []
        self._ordinal = 0
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_ENTRIES_MAX)

    # -- endpoints ---------------------------------------------------------------------------------------------------

    def register(self, endpoint: Endpoint) -> Endpoint:
        """Add an endpoint, or replace the one with its url. Raises ValueError."""
        notices = self._known()
        endpoint.format = endpoint.format or next(iter(notices.formats))
        if endpoint.format not in notices.formats:
            raise ValueError(f"format is {endpoint.format!r}, it must be one of {', '.join(notices.formats)}")
        endpoint.retries = endpoint.retries or notices.formats[endpoint.format][1]
        if endpoint.retries not in notices.schemes:
            raise ValueError(f"retries is {endpoint.retries!r}, it must be one of {', '.join(notices.schemes)}")
        if not endpoint.url.startswith(("http://", "https://")):
            raise ValueError(f"url is {endpoint.url!r}, it must begin with http:// or https://")
        if endpoint.group_max < 1:
            raise ValueError(f"group_max is {endpoint.group_max}, it must be 1 or more")
        with self.changed:
            others = [each for each in self._state.endpoints if each.url != endpoint.url]
            endpoint.number = max((each.number for each in others), default=0) + 1
            self._state.endpoints = [*others, endpoint]
            self._state.seen[endpoint.number] = len(self._state.pending)
            self._keep()
        return endpoint

    def _known(self) -> Notices:
        if self.notices is None:
            raise ValueError("this ERP's simulator has no webhooks")
        return self.notices

    def unregister(self, number: int | None) -> None:
        """Take out one endpoint or, with None, all; what waits for them is forgotten."""
        with self.changed:
            gone = {each.number for each in self._state.endpoints if number in (None, each.number)}
            self._state.endpoints = [each for each in self._state.endpoints if each.number not in gone]
            self._state.waiting = [each for each in self._state.waiting if each.endpoint not in gone]
            self._keep()

    def enable(self, number: int) -> None:
        """Switch a disabled endpoint on again, as its owner would. Raises ValueError."""
        with self.changed:
            endpoint = self._endpoint(number)
            if endpoint is None:
                raise ValueError(f"no endpoint {number}")
            endpoint.is_disabled = False
            self._keep()

    def _endpoint(self, number: int) -> Endpoint | None:
        return next((each for each in self._state.endpoints if each.number == number), None)

    def endpoints(self) -> list[dict[str, Any]]:
        """Each endpoint as registered, with how many deliveries wait for it. The verifier is not shown."""
        with self.changed:
            waiting = [each.endpoint for each in self._state.waiting]
            return [
                {**msgspec.to_builtins(each), "verifier": "***", "waiting": waiting.count(each.number)}
                for each in self._state.endpoints
            ]

    def _keep(self) -> None:
        if self._journal is not None:
            self._journal.add("world-webhooks", self._state.endpoints)

    def entry(self) -> list[Endpoint]:
        """What a restart must know."""
        return self._state.endpoints

    def take(self, endpoints: list[Any]) -> None:
        """Take over an entry of a journal file."""
        self._state.endpoints = [msgspec.convert(each, Endpoint, strict=False) for each in endpoints]

    # -- changes and deliveries --------------------------------------------------------------------------------------

    def publish(self, change: Change) -> None:
        """Something changed in the books."""
        if self._state.endpoints:
            with self.changed:
                self._state.pending.append(change)
                self.changed.notify_all()

    def send(self, changes: list[Change], number: int | None, *, is_forged: bool) -> None:
        """Tell of changes that never were, to one endpoint or all."""
        with self.changed:
            for endpoint in self._state.endpoints:
                if number in (None, endpoint.number):
                    self._deliver(endpoint, changes, is_forged)
            self.changed.notify_all()

    def set_rules(self, rules: list[DeliveryRule]) -> None:
        """Put these rules in place of all present ones; deliveries are counted anew."""
        with self.changed:
            self._rules, self._ordinal = list(rules), 0

    @property
    def answer_seconds_max(self) -> float:
        return self._known().answer_seconds_max

    def take_due(
        self, *, is_flush: bool, is_early: bool = False, but: Collection[tuple[int, int]] = ()
    ) -> tuple[Endpoint, Delivery] | None:
        """Take out the next delivery that is due; `is_flush`: also for endpoints that are not automatic, `is_early`:
        also what is delayed, held or waiting for its next attempt. `but`: what to pass over, by number and copy."""
        with self.changed:
            now = self._clock.now()
            self._cut(now, is_flush=is_flush, is_early=is_early)
            held = self._held_back()
            for delivery in sorted(self._state.waiting, key=lambda each: (each.due_at, each.due_after, -each.number)):
                endpoint = self._endpoint(delivery.endpoint)
                if endpoint is None or endpoint.is_disabled or not (endpoint.is_automatic or is_flush):
                    continue
                is_due = delivery.due_at <= now and delivery.due_after <= self._state.numbers
                is_due = is_due and delivery.number <= held.get(delivery.endpoint, delivery.number)
                if (delivery.number, delivery.copy) not in but and (is_due or is_early):
                    self._state.waiting.remove(delivery)
                    return endpoint, delivery
            return None

    def _held_back(self) -> dict[int, int]:
        """By endpoint the delivery that is being tried again, which those after it must wait for."""
        held: dict[int, int] = {}
        for delivery in self._state.waiting:
            endpoint = self._endpoint(delivery.endpoint)
            if delivery.attempts and endpoint is not None and self._known().schemes[endpoint.retries].holds_back:
                held[delivery.endpoint] = min(delivery.number, held.get(delivery.endpoint, delivery.number))
        return held

    def _cut(self, now: datetime, *, is_flush: bool, is_early: bool) -> None:
        """Make deliveries of the changes whose delay is over."""
        for endpoint in self._state.endpoints:
            if endpoint.is_disabled:
                # What happens meanwhile is never told.
                self._state.seen[endpoint.number] = len(self._state.pending)
            if endpoint.is_disabled or not (endpoint.is_automatic or is_flush):
                continue
            fresh = self._state.pending[self._state.seen.get(endpoint.number, 0) :]
            until = now - timedelta(seconds=0 if is_early else endpoint.delay_seconds)
            # A change later than now was made before the clock was set back; it has waited long enough.
            ready = list(takewhile(lambda change: not until < change.at <= now, fresh))  # noqa: B023
            self._state.seen[endpoint.number] = len(self._state.pending) - (len(fresh) - len(ready))
            wanted = [each for each in ready if endpoint.entities is None or each.entity in endpoint.entities]
            for at in range(0, len(wanted), endpoint.group_max):
                self._deliver(endpoint, wanted[at : at + endpoint.group_max], False)
        self._forget_seen()

    def _forget_seen(self) -> None:
        done = min((self._state.seen.get(each.number, 0) for each in self._state.endpoints), default=0)
        if done:
            self._state.pending = self._state.pending[done:]
            self._state.seen = {number: at - done for number, at in self._state.seen.items()}

    def _deliver(self, endpoint: Endpoint, changes: list[Change], is_forged: bool) -> None:
        self._ordinal += 1
        rule = next((each for each in self._rules if each.hits(self._ordinal)), DeliveryRule())
        if rule.reverse:
            changes = list(reversed(changes))
        is_forged = is_forged or rule.forge
        write = self._known().formats[endpoint.format][0]
        headers, body = write(endpoint.verifier + (" forged" if is_forged else ""), changes)
        self._state.numbers += 1
        delivery = Delivery(self._state.numbers, endpoint.number, changes, headers, body, self._clock.now())
        delivery.is_forged = is_forged
        delivery.due_at += timedelta(seconds=rule.delay_seconds)
        delivery.due_after = self._state.numbers + rule.later_deliveries
        if rule.drop:
            self._note(delivery, 0, "dropped")
            return
        self._state.waiting += [replace(delivery, copy=copy) for copy in range(rule.copies)]

    def settle(self, delivery: Delivery, status: int) -> None:
        """An attempt was answered with `status` (0: no answer in time)."""
        with self.changed:
            notices, endpoint = self._known(), self._endpoint(delivery.endpoint)
            delivery.attempts += 1
            if status in notices.accepted or endpoint is None:
                self._note(delivery, status, "delivered" if endpoint is not None else "endpoint gone")
                return
            scheme = notices.schemes[endpoint.retries]
            if status and scheme.statuses is not None and status not in scheme.statuses:
                self._note(delivery, status, "given up")
                return
            waits = scheme.waits[delivery.attempts - 1 : delivery.attempts] or (scheme.then,)
            if waits[0] is None:
                self._note(delivery, status, "endpoint disabled")
                endpoint.is_disabled = True
                self._state.waiting = [each for each in self._state.waiting if each.endpoint != endpoint.number]
                self._keep()
                return
            self._note(delivery, status, "to be tried again")
            delivery.due_at = self._clock.now() + timedelta(seconds=waits[0])
            self._state.waiting.append(delivery)

    def _note(self, delivery: Delivery, status: int, outcome: str) -> None:
        self.log.append(
            {
                "number": delivery.number,
                "endpoint": delivery.endpoint,
                "attempt": delivery.attempts,
                "status": status,
                "outcome": outcome,
                "time": self._clock.now(),
                "forged": delivery.is_forged,
                "changes": delivery.changes,
                "headers": delivery.headers,
                "body": delivery.body.decode("utf-8", "replace"),
            }
        )

    # -- snapshots ---------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """The company starts over: what waits is forgotten, endpoints stay."""
        with self.changed:
            self._state = State(endpoints=self._state.endpoints, numbers=self._state.numbers)

    def snapshot(self) -> State:
        with self.changed:
            return copied(self._state)

    def restore(self, snapshot: State) -> None:
        with self.changed:
            self._state = copied(snapshot)
