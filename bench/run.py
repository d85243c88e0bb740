"""The benchmarks: Tieout against dlt, against itself at ten times the size, and a million; writes bench/RESULTS.md.

Belongs here: which runs there are and what is compared. How a process is measured is in `bench/measure.py`. All of it
runs on this machine alone, on a throw-away PostgreSQL with the settings of Tieout's embedded one, and ends by itself.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil
import psycopg

from bench.console import measure_console
from bench.gateway import INVOICES, SECONDS, measure_gateway
from bench.measure import ROOT, Measured, measure
from bench.push import measure_push
from bench.reconcile import measure_million
from bench.signatures import measure_signatures
from bench.words import ERPS, Words, words_of
from resources.stores import embedded
from resources.stores.embedded import Server

BENCH = ROOT / "bench"
YARDSTICK = BENCH / ".env"
YARDSTICK_PYTHON = YARDSTICK / "bin" / "python"
LINES = 5
# The demand of each figure; a line of the results says whether it was met.
DLT_RATIO_MAX, MEMORY_RATIO_MAX, DELTA_TIME_RATIO_MAX, DELTA_CALLS_RATIO_MAX = 1 / 5, 1.25, 1 / 50, 0.01
IDLE_SECONDS_MAX = 0.5
_COUNTS = "select (select count(*) from {}), (select count(*) from {})"


@dataclass(slots=True)
class Report:
    """The results as they come; written after each part, so that an interrupted run leaves what it had."""

    path: Path
    parts: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        print(text, flush=True)
        self.parts.append(text)
        self.path.write_text("\n".join(self.parts) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator with a big company in it."""

    url: str
    pid: int
    words: Words


@contextmanager
def simulator(invoices: int, words: Words, *, has_limits: bool = False) -> Iterator[Simulator]:
    """Start one, load it, stop it at the end (it also stops when this process is gone).

    It counts no calls unless it `has_limits`: what is compared is work, and dlt knows no quotas.
    """
    limits = [] if has_limits else ["--no-limits"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--erp", words.erp, "--port", "0", "--with-parent", *limits],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = process.stdout.readline().removeprefix("listening on ").strip()
        subprocess.run(
            (
                *(sys.executable, "-m", "sandbox.load_volume", "--erp", words.erp, "--base-url", url),
                *("--invoices", str(invoices), "--lines", str(LINES)),
            ),
            cwd=ROOT,
            check=True,
            timeout=600,
            stdout=subprocess.DEVNULL,
        )
        yield Simulator(url, process.pid, words)
    finally:
        process.terminate()
        process.wait(timeout=30)


@dataclass(frozen=True, slots=True)
class Bench:
    """The server that both sides write to, and where Tieout's home is."""

    server: Server
    home: Path

    def fresh_database(self, name: str) -> str:
        """Drop and make a database (which makes a checkpoint, so that nobody pays for another's writes); its URL."""
        with psycopg.connect(self.server.url("owner", "postgres"), autocommit=True) as owner:
            owner.execute(f"drop database if exists {name}")
            owner.execute(f"create database {name}")
        return self.server.url("owner", name)

    def measured(self, erp: Simulator, *command: str) -> Measured:
        return measure(
            command,
            postgres_pid=embedded.status(self.home).pid,
            simulator_pid=erp.pid,
            environment={
                "TIEOUT_HOME": str(self.home),
                "TIEOUT_CONNECTIONS": os.devnull,
                # Nobody compiles each module anew with every start, unless this says so; empty, it says nothing.
                "PYTHONDONTWRITEBYTECODE": "",
            },
        )

    def connect_tieout(self, erp: Simulator) -> None:
        self.fresh_database(embedded.DATABASE)
        self.measured(erp, sys.executable, "-m", "bench.tieout_process", "connect", erp.words.erp, erp.url)

    def sync(self, erp: Simulator) -> Measured:
        return self.measured(erp, sys.executable, "-m", "bench.tieout_process", "sync")

    def census(self, erp: Simulator) -> Measured:
        return self.measured(erp, sys.executable, "-m", "bench.tieout_process", "census")

    def dlt(self, erp: Simulator) -> Measured:
        url = self.fresh_database("yardstick")
        with tempfile.TemporaryDirectory(prefix="tieout-bench-dlt-") as directory:
            pipeline = (str(YARDSTICK_PYTHON), "-m", "bench.dlt_pipeline", erp.words.erp)
            return self.measured(erp, *pipeline, erp.url, url, directory)

    def floor(self, erp: Simulator) -> Measured:
        return self.measured(erp, sys.executable, "-m", "bench.floor", erp.words.erp, erp.url)

    def check_all_arrived(self, erp: Simulator, invoices: int) -> None:
        """Both sides hold every invoice and line, or there is nothing to compare."""
        with (
            psycopg.connect(self.server.url("app")) as ours,
            psycopg.connect(self.server.url("owner", "yardstick")) as theirs,
        ):
            ours.execute("set tieout.tenant = 'default'")
            held = (
                ours.execute(_COUNTS.format("ledger.invoices", "ledger.invoice_lines")).fetchone(),
                theirs.execute(_COUNTS.format(*erp.words.dlt_tables)).fetchone(),
            )
        expected = (invoices, invoices * LINES), (invoices, invoices * (LINES + erp.words.dlt_lines_extra))
        if held != expected:
            raise RuntimeError(f"comparing with dlt: found {held} invoices and lines, expected {expected}")

    def rows_written(self) -> Counter[str]:
        """Rows inserted, updated and deleted so far, by schema, by PostgreSQL's own count: of mirror and ledger, and of
        sync, where runs, calls, leases and how far was read are kept.
        """
        with psycopg.connect(self.server.url("owner")) as owner:
            counted = owner.execute(
                "select schemaname, sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_user_tables group by 1"
            ).fetchall()
        return Counter({schema: int(rows) for schema, rows in counted})


def compare_with_dlt(bench: Bench, report: Report, invoices: int, repeats: int, erp_name: str = "quickbooks") -> None:
    """Alternate the two, so that whatever else the machine does falls on both."""
    words = words_of(erp_name)
    with simulator(invoices, words) as erp:
        floors, ours, theirs = [], [], []
        for number in range(1, repeats + 1):
            floors.append(bench.floor(erp))
            bench.connect_tieout(erp)
            ours.append(bench.sync(erp))
            theirs.append(bench.dlt(erp))
            bench.check_all_arrived(erp, invoices)
            print(f"round {number}: floor {floors[-1]}\nTieout {ours[-1]}\ndlt {theirs[-1]}", flush=True)
    report.add(_comparison(words, invoices, floors, ours, theirs))


def _comparison(
    words: Words, invoices: int, floors: list[Measured], ours: list[Measured], theirs: list[Measured]
) -> str:
    runs = {"floor": floors, "Tieout": ours, "dlt": theirs}
    rows = [_row(name, of) for name, of in runs.items()]
    wall = median(r.wall_seconds for r in ours) / median(r.wall_seconds for r in theirs)
    cpu = median(r.cpu_seconds for r in ours) / median(r.cpu_seconds for r in theirs)
    return (
        f"## {words.title} against dlt: {invoices:,} invoices of {LINES} lines, first full sync\n\n"
        f"Medians of {len(ours)} alternating rounds (behind them each value in brackets), whole processes.\n\n"
        "| process | wall s | CPU s | of it client | of it PostgreSQL | peak memory MB | simulator's CPU s |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"- wall, Tieout / dlt: **{wall:.2f}** (at most {DLT_RATIO_MAX:.2f}: {_verdict(wall <= DLT_RATIO_MAX)})\n"
        f"- CPU with PostgreSQL's, Tieout / dlt: **{cpu:.2f}** (at most {DLT_RATIO_MAX:.2f}: "
        f"{_verdict(cpu <= DLT_RATIO_MAX)})\n"
        f"- the floor read {floors[0].said['bytes'] / 1e6:.0f} MB in {floors[0].said['calls']} calls; "
        f"Tieout made {ours[0].said['calls']}.\n"
    )


def compare_sizes(bench: Bench, report: Report, small: int, large: int, words: Words) -> None:
    """Memory at both sizes; at the large one a delta with one change, one with none, and a census."""
    with simulator(small, words) as erp:
        bench.connect_tieout(erp)
        little = bench.sync(erp)
        print(f"{small:,}: {little}", flush=True)
    with simulator(large, words) as erp:
        floor = bench.floor(erp)
        bench.connect_tieout(erp)
        much = bench.sync(erp)
        print(f"{large:,}: {much}", flush=True)
        words.edit_one(erp.url)
        one = bench.sync(erp)
        before = bench.rows_written()
        idle = bench.sync(erp)
        after = bench.rows_written()
        census = bench.census(erp)
        counted = bench.rows_written()
    memory = much.peak_bytes / little.peak_bytes
    time_ratio = one.said["seconds"] / much.said["seconds"]
    calls_ratio = one.said["calls"] / much.said["calls"]
    of_idle, of_census = after - before, counted - after
    written, census_written = (of["mirror"] + of["ledger"] for of in (of_idle, of_census))
    rows = [
        _row(f"floor, {large:,}", [floor]),
        _row(f"full sync, {small:,}", [little]),
        _row(f"full sync, {large:,}", [much]),
        _row("delta, one change", [one]),
        _row("delta, no change", [idle]),
        _row("census, no change", [census]),
    ]
    report.add(
        f"## {words.title}, size: {small:,} and {large:,} invoices of {LINES} lines\n\n"
        "| Tieout | wall s | CPU s | of it client | of it PostgreSQL | peak memory MB | simulator's CPU s |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"- peak memory, {large:,} / {small:,}: **{memory:.2f}** (at most {MEMORY_RATIO_MAX}: "
        f"{_verdict(memory <= MEMORY_RATIO_MAX)})\n"
        f"- full sync: {much.said['seconds']:.1f} s in {much.said['calls']} calls, {much.said['held']} held; delta "
        f"with one change: {one.said['seconds']:.3f} s in {one.said['calls']} calls, {one.said['updated']} updated: "
        f"time **{time_ratio:.4f}** (at most {DELTA_TIME_RATIO_MAX}: {_verdict(time_ratio <= DELTA_TIME_RATIO_MAX)}), "
        f"calls **{calls_ratio:.4f}** (at most {DELTA_CALLS_RATIO_MAX}: "
        f"{_verdict(calls_ratio <= DELTA_CALLS_RATIO_MAX)})\n"
        f"- delta with no change: **{idle.said['seconds']:.3f} s** (at most {IDLE_SECONDS_MAX}: "
        f"{_verdict(idle.said['seconds'] <= IDLE_SECONDS_MAX)}), **{written}** rows written in mirror and ledger "
        f"({_verdict(written == 0)}; the same counters stood at {before['mirror'] + before['ledger']:,} before), "
        f"{of_idle['sync']} in sync: the run, its calls, its lease, how far was read\n"
        f"- census with no change: {census.said['seconds']:.1f} s in {census.said['calls']} calls for "
        f"{census.said['listed']:,} records, {census.said['seconds'] / much.said['seconds']:.2f} of the full sync; "
        f"**{census_written}** rows written in mirror and ledger ({_verdict(census_written == 0)}), "
        f"{of_census['sync']} in sync\n"
    )


def _row(name: str, runs: list[Measured]) -> str:
    def cell(of: Callable[[Measured], float], digits: int = 1) -> str:
        values = [of(run) for run in runs]
        each = f" ({', '.join(f'{v:.{digits}f}' for v in values)})" if len(values) > 1 else ""
        return f"{median(values):.{digits}f}{each}"

    cells = (
        cell(lambda run: run.wall_seconds),
        cell(lambda run: run.cpu_seconds),
        cell(lambda run: run.client_cpu_seconds),
        cell(lambda run: run.server_cpu_seconds),
        cell(lambda run: run.peak_bytes / 1e6, 0),
        cell(lambda run: run.simulator_cpu_seconds),
    )
    return f"| {name} | {' | '.join(cells)} |"


def _push(bench: Bench, words: Words) -> str:
    """In a company of little else, with the ERP's limits on."""
    with simulator(100, words, has_limits=True) as erp:
        bench.connect_tieout(erp)
        return measure_push(bench.home, erp.url, words)


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "**not met**"


def _machine(server: Server) -> str:
    with psycopg.connect(server.url("owner")) as owner:
        (postgres,) = owner.execute("select current_setting('server_version')").fetchone()
    dlt = subprocess.run(
        (str(YARDSTICK_PYTHON), "-c", "import importlib.metadata as m; print(m.version('dlt'))"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    return (
        "# Benchmarks\n\n"
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.\n\n"
        f"- Machine: {_cpu_model()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB of "
        f"memory, {platform.system()} {platform.release()}; load average at the start {os.getloadavg()[0]:.1f}\n"
        f"- Python {platform.python_version()}, PostgreSQL {postgres} (Tieout's embedded server with its own settings, "
        f"fsync on, for both sides), dlt {dlt} "
        f"on the same Python\n"
        "- Everything on one machine over loopback: simulator, PostgreSQL and the measured process share the cores.\n\n"
        "How it is counted: wall and memory over whole processes, imports included, from start to exit. Client CPU is "
        "user and system time of the process and its children, from wait4. PostgreSQL's CPU is what the server and all "
        "its backends used meanwhile, background work included, read from the process table before and after; the same "
        "for both sides. The simulator's CPU is in no ratio. Peak memory is the largest sum of resident memory over "
        "the process and its children (sampled every 50 ms, and never below the kernel's own peak), PostgreSQL's not "
        "included. Seconds of deltas are those of the sync itself, without starting Python or Dagster. dlt keeps one "
        "table an entity with child tables; Tieout writes mirror, ledger, lines, bindings and their bases. Tieout is "
        "measured without Dagster, as is dlt. But for the push, the simulators count no calls and neither does Tieout: "
        "an ERP's quota (Xero: 60 calls a minute) would make both wait.\n"
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _install_yardstick() -> None:
    """dlt and datacompy into their own environment, from its own lock; again when that has changed."""
    lock = (BENCH / "requirements.lock").read_text(encoding="utf-8")
    installed = YARDSTICK / "installed.lock"
    if installed.exists() and installed.read_text(encoding="utf-8") == lock:
        return
    subprocess.run([sys.executable, "-m", "venv", str(YARDSTICK)], check=True)
    subprocess.run(
        (
            *(str(YARDSTICK_PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("install", "--require-hashes", "--no-deps", "-r", str(BENCH / "requirements.lock")),
        ),
        check=True,
    )
    installed.write_text(lock, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of every size, one round, results to the screen")
    parser.add_argument("--erp", action="append", choices=ERPS, help="one of them; all if absent")
    parser.add_argument("--invoices", type=int, default=50_000, help="of the comparison with dlt")
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--results", type=Path, default=BENCH / "RESULTS.md")
    parser.add_argument("--million", type=int, default=1_000_000, help="invoices of the reconciliation and the views")
    parser.add_argument("--only-million", action="store_true", help="nothing but the reconciliation and the views")
    parser.add_argument("--only-gateway", action="store_true", help="nothing but the gateway; results to the screen")
    parser.add_argument("--only-signatures", action="store_true", help="nothing but that part; results to the screen")
    parser.add_argument("--only-push", action="store_true", help="nothing but the push; results to the screen")
    parser.add_argument("--gateway-seconds", type=int, default=SECONDS, help="how long the gateway is under load")
    options = parser.parse_args(arguments)
    if options.only_signatures:
        print(measure_signatures())
        return 0
    is_partial = options.only_million or options.only_gateway
    if options.only_gateway or options.only_push:
        options.results = Path(os.devnull)
    if options.quick:
        options.invoices, options.small, options.large = 5_000, 2_000, 20_000
        options.repeats, options.results, options.million = 1, Path(os.devnull), 100_000
        options.gateway_seconds = 10
    if not (options.only_gateway or options.only_push):
        _install_yardstick()
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        # PostgreSQL does not run as root: it must be able to reach its data by another user.
        Path(directory).chmod(0o755)
        home = Path(directory) / "home"
        with embedded.ensure_running(home) as server:
            bench, report = Bench(server, home), Report(options.results)
            if options.only_push:
                for words in map(words_of, options.erp or ERPS):
                    report.add(_push(bench, words))
                return 0
            if not options.only_gateway:
                report.add(_machine(server))
            # A process's peak counts what its parent had when it began: so what fills this process comes last.
            for words in map(words_of, () if is_partial else options.erp or ERPS):
                compare_with_dlt(bench, report, options.invoices, options.repeats, words.erp)
                compare_sizes(bench, report, options.small, options.large, words)
                report.add(_push(bench, words))
            if not options.only_million:
                with simulator(INVOICES, words_of(ERPS[0])) as erp:
                    bench.connect_tieout(erp)
                    report.add(measure_gateway(home, server, options.gateway_seconds))
                report.add(measure_signatures())
            if not options.only_gateway:
                report.add(measure_million(server, home, YARDSTICK_PYTHON, options.million))
                report.add(measure_console(server, options.million)[0])
    return 0
