"""A run launcher that knows whether a run's process is still alive, so that a dead run is noticed within seconds.

Belongs here: nothing else. It launches as Dagster's own launcher does; with that one, a run whose whole process group
or machine died stays "started" for ever and keeps its slot. One host only: elsewhere a pid means nothing.
"""

from __future__ import annotations

import psutil
from dagster import DagsterEventType, DagsterRun
from dagster._core.events.log import EventLogEntry
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

# A pid that was given to a younger process is another process. The margin is for clocks that are set during a run.
CLOCK_MARGIN_SECONDS = 30.0
# The events that name the process come first; those of steps in processes of their own come later.
EVENTS_READ_MAX = 10


class LocalWatchedRunLauncher(DefaultRunLauncher):
    """Dagster's launcher for one host, with liveness by pid and start time. Named in `dagster.yaml`."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """RUNNING or NOT_FOUND. Covers runs in a worker process and runs inside `tieout sync`: both log their pid.

        Never UNKNOWN: Dagster's monitor fails a run for that just as for NOT_FOUND. A run that named no process yet is
        taken for running; the start time-out and the runtime limit in `dagster.yaml` end it if it never does.
        """
        worker = self._worker(run)
        if worker is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "no process named yet", transient=True)
        pid, seen_at = worker
        if is_alive(pid, seen_at):
            return CheckRunHealthResult(WorkerStatus.RUNNING, f"pid {pid}", run_worker_id=str(pid))
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"pid {pid} is gone", run_worker_id=str(pid))

    def _worker(self, run: DagsterRun) -> tuple[int, float] | None:
        """The pid of the run's process and when (epoch seconds) it named itself."""
        entries = self._instance.event_log_storage.get_logs_for_run(
            run.run_id, of_type=DagsterEventType.ENGINE_EVENT, limit=EVENTS_READ_MAX, ascending=True
        )
        for entry in entries:
            pid = _pid_in(entry)
            if pid is not None:
                return pid, entry.timestamp
        return None


def is_alive(pid: int, seen_at: float) -> bool:
    """Whether the process that had `pid` at `seen_at` (epoch seconds) still runs. A zombie does not."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= seen_at + CLOCK_MARGIN_SECONDS
    except psutil.NoSuchProcess:
        return False


def _pid_in(entry: EventLogEntry) -> int | None:
    event = entry.dagster_event
    found = event.engine_event_data.metadata.get("pid") if event else None
    return int(str(found.value)) if found is not None and str(found.value).isdigit() else None
