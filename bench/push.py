"""The push in figures: from a commit in the ledger to a document in the ERP, one by one and a thousand at once.

Belongs here: what a company waits for. `tieout up` runs as a user starts it, with its default settings; the rows are
written by SQL as the role `tieout_writer`, and the simulator, its limits on, says when each document arrived.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median

import psycopg
import requests

from bench.measure import ROOT
from bench.words import Words

SINGLE_DOCUMENTS = 50
SINGLE_PAUSE_SECONDS = 3.0
SINGLE_P95_SECONDS_MAX = 20.0
BURST_INVOICES = 1000
CALLS_RATIO_MAX = 1.1
START_SECONDS_MAX = 120.0
ARRIVE_SECONDS_MAX = 300.0


def measure_push(home: Path, erp_url: str, words: Words) -> str:
    """Run both parts on a connected, empty house; returns the part of the results."""
    environment = {**os.environ, "TIEOUT_HOME": str(home), "TIEOUT_CONNECTIONS": os.devnull}
    subprocess.run((_tieout(), "sync"), env=environment, check=True, stdout=subprocess.DEVNULL)
    with _running_house(environment) as writer_url:
        waits = _one_by_one(writer_url, erp_url, words)
        calls_before = _calls(erp_url, words)
        seconds = _at_once(writer_url, erp_url, words)
        calls = _calls(erp_url, words) - calls_before
    return _told(words, waits, seconds, calls)


def _one_by_one(writer_url: str, erp_url: str, words: Words) -> list[float]:
    committed: dict[str, float] = {}
    with psycopg.connect(writer_url, autocommit=True) as writer:
        for place in range(SINGLE_DOCUMENTS):
            number = f"ONE-{place}"
            _write(writer, [number], words)
            committed[number] = time.time()
            time.sleep(SINGLE_PAUSE_SECONDS)
    arrived = _wait_for(erp_url, set(committed))
    return sorted(arrived[number] - at for number, at in committed.items())


def _at_once(writer_url: str, erp_url: str, words: Words) -> float:
    numbers = [f"MANY-{place}" for place in range(BURST_INVOICES)]
    with psycopg.connect(writer_url, autocommit=True) as writer:
        _write(writer, numbers, words)
        began = time.time()
    arrived = _wait_for(erp_url, set(numbers))
    # From the first document to the last: how long the push itself takes, without waiting to be woken.
    return max(arrived.values()) - max(began, min(arrived.values()))


def _write(writer: psycopg.Connection, numbers: list[str], words: Words) -> None:
    with writer.transaction():
        (customer,) = writer.execute("select min(ledger_id) from ledger.customers").fetchone()
        (item,) = writer.execute("select min(ledger_id) from ledger.items").fetchone()
        writer.execute(
            """
            with made as (
              insert into ledger.invoices (customer_id, issue_date, currency, total_amount, document_number)
              select %s, current_date, 'USD', 100, number from unnest(%s::text[]) number returning ledger_id
            )
            insert into ledger.invoice_lines (invoice_id, position, kind, item_id, amount, tax_code)
            select ledger_id, position, 'item', %s, 20, %s from made, generate_series(1, 5) position
            """,
            (customer, numbers, item, words.untaxed),
        )


def _wait_for(erp_url: str, numbers: set[str]) -> dict[str, float]:
    """When each of these documents was made there, by this machine's clock, which is the simulator's."""
    deadline = time.monotonic() + ARRIVE_SECONDS_MAX
    while True:
        effects = requests.get(f"{erp_url}/_sandbox/effects", timeout=60).json()
        effects = effects["effects"] if isinstance(effects, dict) else effects
        arrived = {
            e["number"]: _seconds(e["time"])
            for e in effects
            if e.get("number") in numbers and e["operation"] == "create"
        }
        if len(arrived) == len(numbers):
            return arrived
        if time.monotonic() > deadline:
            raise RuntimeError(f"push: found {len(arrived)} of {len(numbers)} documents in the ERP")
        time.sleep(1.0)


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


def _calls(erp_url: str, words: Words) -> int:
    """Requests that wrote something, as the simulator counted them."""
    log = requests.get(f"{erp_url}/_sandbox/log", timeout=60).json()
    log = log["requests"] if isinstance(log, dict) and "requests" in log else log
    return sum(map(words.is_write, log))


@contextmanager
def _running_house(environment: dict[str, str]) -> Iterator[str]:
    """`tieout up`, until it serves; yields the writer's URL."""
    process = subprocess.Popen(
        (_tieout(), "up", "--port", "0"),
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            said = subprocess.run(
                (_tieout(), "db", "url", "--role", "writer", "--json"), env=environment, capture_output=True, text=True
            )
            url = json.loads(said.stdout)["url"] if said.returncode == 0 else None
            if url is not None and time.monotonic() > deadline - START_SECONDS_MAX + 30:
                yield url
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"push: tieout up did not serve within {START_SECONDS_MAX:.0f} s: {said.stderr}")
            time.sleep(2.0)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _tieout() -> str:
    return str(Path(sys.executable).with_name("tieout"))


def _told(words: Words, waits: list[float], seconds: float, calls: int) -> str:
    p95 = waits[math.ceil(0.95 * len(waits)) - 1]
    least = math.ceil(BURST_INVOICES / words.batch_invoices)
    allowed_seconds = 60 * least / words.batches_per_minute
    verdict = "met" if p95 <= SINGLE_P95_SECONDS_MAX else "**not met**"
    calls_verdict = "met" if calls <= CALLS_RATIO_MAX * least else "**not met**"
    return (
        f"## {words.title}, push\n\n"
        f"`tieout up` with its default settings, {SINGLE_DOCUMENTS} invoices written singly, "
        f"{SINGLE_PAUSE_SECONDS:.0f} s apart: from the commit in the ledger to the document in the ERP "
        f"median {median(waits):.1f} s, p95 {p95:.1f} s, longest {waits[-1]:.1f} s "
        f"(p95 demanded {SINGLE_P95_SECONDS_MAX:.0f} s: {verdict}).\n\n"
        f"{BURST_INVOICES} invoices of 5 lines in one commit: {seconds:.1f} s from the first in the ERP to the last, "
        f"in {calls} calls (least possible {least} of {words.batch_invoices}: ratio {calls / least:.2f}, demanded "
        f"{CALLS_RATIO_MAX}: {calls_verdict}). At {words.batches_per_minute} such calls a minute {words.title} would "
        f"take {allowed_seconds:.0f} s for them: {seconds / allowed_seconds:.2f} of that.\n"
    )
