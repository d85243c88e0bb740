"""The gateway under load: reads and webhooks at a fixed rate, with a company being read for the first time beside it.

Belongs here: the load and what it met. The gateway runs as `tieout up` starts it, as a process of its own; whoever
calls is this process, which has threads and nothing else to do. A call's time counts from when it was to begin, so
that a gateway that is slow makes no call late without its being counted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import urllib3

from bench.measure import ROOT
from bench.tieout_process import CONNECTION, TENANT
from resources.services import Services
from resources.settings import load_settings
from resources.stores import api_keys
from resources.stores.embedded import Server, free_port

READS_A_SECOND, WEBHOOKS_A_SECOND = 100, 50
SECONDS = 60
P95_SECONDS_MAX = 0.5
INVOICES = 20_000
CALLERS = 24
# A key may call 100 times a minute.
READS_PER_KEY = 60
START_SECONDS_MAX = 60.0
SIGNING_KEY = "a verifier token of the benchmark"


@dataclass
class Met:
    """What one kind of call met. Times in seconds from when each was to begin."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def p95(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.95)] if self.seconds else float("inf")


def measure_gateway(home: Path, server: Server, seconds: int = SECONDS) -> str:
    """Load a gateway over a connected house that has not been synced; returns the part of the results."""
    environment = {**os.environ, "TIEOUT_HOME": str(home), "TIEOUT_CONNECTIONS": os.devnull}
    keys, company = _prepared(environment, 2 + READS_A_SECOND * seconds // READS_PER_KEY)
    beside = _Beside(environment)
    with _gateway(environment) as url, beside:
        pool = urllib3.HTTPConnectionPool(*url, maxsize=CALLERS, block=False, retries=False)
        reads, told = Met(), Met()

        def read(number: int) -> None:
            key = keys[number % len(keys)]
            answer = pool.request("GET", _path(number), headers={"Authorization": f"Bearer {key}"}, timeout=30)
            if answer.status != 200:
                reads.wrong.append(f"{_path(number)}: {answer.status}")

        def tell(number: int) -> None:
            body = _notice(company, number)
            signed = base64.b64encode(hmac.digest(SIGNING_KEY.encode(), body, hashlib.sha256)).decode()
            headers = {"intuit-signature": signed, "Content-Type": "application/json"}
            answer = pool.request("POST", f"/webhooks/{CONNECTION}", body=body, headers=headers, timeout=30)
            if answer.status != 200:
                told.wrong.append(f"webhook: {answer.status}")

        began = time.perf_counter() + 1.0
        callers = [
            threading.Thread(target=_call, args=(call, met, rate, worker, CALLERS // 2, began, seconds))
            for call, met, rate in ((read, reads, READS_A_SECOND), (tell, told, WEBHOOKS_A_SECOND))
            for worker in range(CALLERS // 2)
        ]
        for one in callers:
            one.start()
        for one in callers:
            one.join()
    with psycopg.connect(server.url("app")) as db:
        db.execute(f"set tieout.tenant = '{TENANT}'")
        (kept,) = db.execute("select count(*) from sync.inbox where external_id like 'bench-%'").fetchone()
    return _told(seconds, reads, told, kept, beside)


def _told(seconds: int, reads: Met, told: Met, kept: int, beside: _Beside) -> str:
    rows = [
        f"| {name} | {len(met.seconds):,} | {len(met.seconds) / seconds:.0f} | "
        f"{sorted(met.seconds)[len(met.seconds) // 2] * 1000:.0f} | {met.p95() * 1000:.0f} | "
        f"{max(met.seconds) * 1000:.0f} | {len(met.wrong)} |"
        for name, met in (("reads", reads), ("webhooks in", told))
    ]
    wrong = [*reads.wrong, *told.wrong]
    is_fast = max(reads.p95(), told.p95()) <= P95_SECONDS_MAX
    return (
        f"## Gateway: {READS_A_SECOND} reads and {WEBHOOKS_A_SECOND} webhooks a second for {seconds} s\n\n"
        f"Beside it {INVOICES:,} invoices were read for the first time, then censuses until the end "
        f"({beside.ended} syncs ended); load average {os.getloadavg()[0]:.1f} at the end. Callers, simulator, "
        "PostgreSQL, sync and gateway share the cores; a call's time counts from when it was to begin.\n\n"
        "| calls | number | a second | median ms | p95 ms | longest ms | errors |\n|---|---|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n\n"
        f"- p95: **{max(reads.p95(), told.p95()) * 1000:.0f} ms** (at most {P95_SECONDS_MAX * 1000:.0f}: "
        f"{_verdict(is_fast)})\n"
        f"- errors: **{len(wrong)}** ({_verdict(not wrong)}){': ' + '; '.join(wrong[:3]) if wrong else ''}\n"
        f"- webhooks kept: **{kept:,}** of {len(told.seconds) - len(told.wrong):,} that were accepted "
        f"({_verdict(kept >= len(told.seconds) - len(told.wrong))})\n"
    )


def _call(
    call: Callable[[int], None], met: Met, rate: int, worker: int, workers: int, began: float, seconds: int
) -> None:
    """Every so-many-th call, each at its time or as soon after it as the one before is answered."""
    for number in range(worker, rate * seconds, workers):
        due = began + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        try:
            call(number)
        except urllib3.exceptions.HTTPError as failure:
            met.wrong.append(type(failure).__name__)
        met.seconds.append(time.perf_counter() - due)


def _path(number: int) -> str:
    """What dashboards and integrations ask: pages, single documents, what is open."""
    return (
        "/v1/invoices?limit=50",
        f"/v1/invoices?limit=50&after={number * 7 % INVOICES}",
        "/v1/customers?limit=50",
        "/v1/connections",
        "/v1/conflicts",
    )[number % 5]


def _notice(company: str, number: int) -> bytes:
    happened = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
    changed = {"name": "Customer", "id": f"bench-{number}", "operation": "Update", "lastUpdated": happened}
    told = {"eventNotifications": [{"realmId": company, "dataChangeEvent": {"entities": [changed]}}]}
    return json.dumps(told).encode()


def _prepared(environment: dict[str, str], keys: int) -> tuple[list[str], str]:
    """Keys to read with, and the company that notices are about; its app signs with a key that is known."""
    with Services(load_settings(environment)) as services:
        services.vault(TENANT).put(CONNECTION, "verifier_token", SIGNING_KEY)
        with services.db.transaction(TENANT) as tx:
            made = [
                api_keys.make(tx, tenant=TENANT, name=f"reader {n}", role="viewer", by="benchmark") for n in range(keys)
            ]
        return made, services.connection(CONNECTION).settings["realm_id"]


@contextmanager
def _gateway(environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    port = free_port()
    command = [sys.executable, "-m", "gateway", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        pool = urllib3.HTTPConnectionPool("127.0.0.1", port, retries=False)
        while True:
            try:
                if pool.request("GET", "/health/database", timeout=2).status == 200:
                    break
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
            if time.monotonic() > deadline:
                raise RuntimeError(f"starting the gateway: no answer within {START_SECONDS_MAX:.0f} s")
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait(timeout=30)


class _Beside:
    """Syncs one after the other while the block lasts: the first reads everything, the others are censuses."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.ended = 0
        self._environment = environment
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> _Beside:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        kind = "sync"
        while not self._is_over.is_set():
            command = [sys.executable, "-m", "bench.tieout_process", kind]
            process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=subprocess.DEVNULL)
            while process.poll() is None:
                if self._is_over.wait(0.2):
                    process.terminate()
            self.ended += process.returncode == 0
            kind = "census"


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "**not met**"
