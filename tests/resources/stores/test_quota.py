"""Call limits that hold over all processes of one database: never more, and every caller comes to its turn."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from resources.errors import ErrorKind, TieoutError
from resources.stores.quota import CallQuota, Quotas, Window, company_key
from resources.stores.vault import Transaction
from tests.resources.secret_tables import emptied, prepare, transactions
from tests.resources.stores.quota_worker import call_often, die_calling

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.resources.token_service", "tests.resources.stores.quota_worker"])
LIMITS = {"calls_per_window": 20, "window_seconds": 1.0, "in_flight": 3, "call_seconds_max": 5.0}


@pytest.fixture(scope="module")
def tables(new_database):
    return new_database(prepare)


@pytest.fixture
def database(tables):
    return emptied(tables)


@pytest.fixture
def transaction(database) -> Iterator[Transaction]:
    with transactions(database.url()) as opened:
        yield opened


def called_by_four(database, limits: dict, calls: int, call_seconds: float) -> list[list[tuple[float, float]]]:
    """The calls of each of four processes, which all begin when the last of them is there."""
    all_here = PROCESSES.Barrier(4)
    ends = []
    for _ in range(4):
        receiver, sender = PROCESSES.Pipe(duplex=False)
        told = (database.url(), limits, calls, call_seconds, all_here, sender)
        PROCESSES.Process(target=call_often, args=told, daemon=True).start()
        sender.close()
        ends.append(receiver)
    return [receiver.recv() for receiver in ends]


def test_four_processes_at_full_speed_never_exceed_either_limit(database):
    per_process = called_by_four(database, LIMITS, calls=15, call_seconds=0.01)

    # Three windows' worth of calls, so each window is wanted to the full; every process came to its end.
    assert [len(calls) for calls in per_process] == [15] * 4
    calls = sorted(call for calls in per_process for call in calls)
    assert most_in_any_window([began for began, _ in calls], 1.0) <= 20
    assert most_at_once(calls) <= 3


def test_flights_are_the_limit_when_calls_are_slow(database):
    limits = {**LIMITS, "calls_per_window": 500}

    per_process = called_by_four(database, limits, calls=5, call_seconds=0.1)

    assert most_at_once(sorted(call for calls in per_process for call in calls)) == 3


def test_permissions_of_a_killed_process_come_back(database, transaction):
    limits = {**LIMITS, "call_seconds_max": 1.0}
    dying = PROCESSES.Process(target=die_calling, args=(database.url(), limits))
    dying.start()
    dying.join(10)
    waits: list[float] = []

    with CallQuota(transaction, "company", sleep=slept(waits), **limits).call():
        pass

    assert dying.exitcode == -9
    # What is asked to be slept is never more than what passes: the second a call may take, and the last look.
    assert sum(waits) < 1.1


def test_a_pause_stops_every_caller_of_the_company_and_no_other(transaction):
    waits: dict[str, list[float]] = {"company": [], "another company": []}
    first, second, other = (
        CallQuota(transaction, company, sleep=slept(waits[company]), **LIMITS)
        for company in ("company", "company", "another company")
    )
    with first.call():
        pass
    waits["company"].clear()
    began = time.monotonic()
    first.pause(0.6)

    with other.call():
        assert sum(waits["another company"]) == 0
    with second.call():
        assert time.monotonic() - began >= 0.6


def test_how_long_a_pause_lasts_is_known_to_every_caller(transaction):
    first, second = (CallQuota(transaction, "company", **LIMITS) for _ in range(2))
    assert first.paused_seconds() == 0
    first.pause(30)
    assert 29 < second.paused_seconds() <= 30
    assert CallQuota(transaction, "another company", **LIMITS).paused_seconds() == 0


def test_a_call_that_fails_gives_its_permission_back(transaction):
    waits: list[float] = []
    quota = CallQuota(transaction, "company", sleep=slept(waits), **{**LIMITS, "in_flight": 1})

    for _ in range(3):
        with pytest.raises(RuntimeError), quota.call():
            raise RuntimeError

    with quota.call():
        assert sum(waits) == 0


def test_permission_costs_two_transactions(transaction):
    opened: list[int] = []

    def counted():
        opened.append(1)
        return transaction()

    quota = CallQuota(
        counted, "company", calls_per_window=500, window_seconds=60.0, in_flight=10, call_seconds_max=60.0
    )
    with quota.call():
        pass
    opened.clear()
    for _ in range(100):
        with quota.call():
            pass

    assert len(opened) == 200


def test_permission_looks_at_few_slots_however_many_there_are(transaction):
    looked_at: list[int] = []

    @contextmanager
    def counting() -> Iterator[psycopg.Connection[Any]]:
        with transaction() as db:
            yield db
            (count,) = db.execute(
                "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'api_slots'"
            ).fetchone()
            looked_at.append(count)

    # What the database knows of the table is from before the large company came.
    with CallQuota(transaction, "small", **LIMITS).call(), transaction() as db:
        db.execute("analyze sync.api_slots")
    day = Window("day", 5000, 86_400)
    quota = CallQuota(counting, "co", calls_per_window=1000, window_seconds=60.0, in_flight=1000, further=(day,))
    with quota.call():
        pass
    looked_at.clear()

    with quota.call():
        pass

    assert len(looked_at) == 2
    assert max(looked_at) < 50


def test_a_company_is_counted_by_app_and_realm_and_its_key_tells_neither():
    key = company_key("quickbooks", "client", "9130")

    assert key == company_key("quickbooks", "client", "9130")
    assert len({key, company_key("quickbooks", "client9", "130"), company_key("xero", "client", "9130")}) == 3
    assert "9130" not in key


def slept(waits: list[float]) -> Callable[[float], None]:
    """A sleep that writes down what it was asked for."""
    return lambda seconds: (waits.append(seconds), time.sleep(seconds))[1]


def most_in_any_window(began: list[float], seconds: float) -> int:
    return max(sum(1 for other in began[i:] if other < start + seconds) for i, start in enumerate(began))


def most_at_once(calls: list[tuple[float, float]]) -> int:
    return max(sum(1 for began, ended in calls if began <= moment < ended) for moment, _ in calls)


def test_a_call_needs_a_place_in_every_window(transaction):
    limits = {**LIMITS, "calls_per_window": 2, "further": (Window("day", 3, 60.0),)}
    waits: list[float] = []
    quota = CallQuota(transaction, "company", sleep=slept(waits), **limits)

    for _ in range(3):
        with quota.call():
            pass

    assert quota.used("day") == 3
    # The third call waited for the short window, not for the long one.
    assert 0 < sum(waits) < 5


def test_a_day_that_is_used_up_is_an_error_and_no_long_sleep(transaction):
    limits = {**LIMITS, "further": (Window("day", 1, 3600.0),)}
    quota = CallQuota(transaction, "company", sleep=lambda _: None, **limits)
    with quota.call():
        pass

    with pytest.raises(TieoutError) as raised, quota.call():
        pass

    assert raised.value.kind is ErrorKind.RATE_LIMIT
    assert 3500 < raised.value.retry_after_seconds <= 3600


def test_a_call_keeps_the_limits_of_its_company_and_of_the_app(transaction):
    def quota(company: str, calls: int) -> CallQuota:
        return CallQuota(transaction, company, calls_per_window=calls, window_seconds=3600, in_flight=5)

    app = quota("app", 3)
    gates = [Quotas(quota(name, 2), app) for name in ("one", "other")]

    def call(gate: Quotas) -> str:
        try:
            with gate.call():
                return "went"
        except TieoutError:
            return "waits"

    assert [call(gates[0]) for _ in range(3)] == ["went", "went", "waits"]
    assert [call(gates[1]) for _ in range(2)] == ["went", "waits"]
    assert app.used("window") == 3
    gates[0].pause(60)
    assert gates[0].paused_seconds() > 50 and gates[1].paused_seconds() == 0
