"""A run whose process died is seen as dead, one that lives as alive, whatever its pid was used for since."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import dagster as dg
import psutil
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher import WorkerStatus

from pipelines.launcher import CLOCK_MARGIN_SECONDS, LocalWatchedRunLauncher, is_alive


@dg.op
def nothing() -> None: ...


@dg.job(executor_def=dg.in_process_executor)
def idle() -> None:
    nothing()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def launcher(instance: dg.DagsterInstance) -> LocalWatchedRunLauncher:
    launcher = LocalWatchedRunLauncher()
    launcher.register_instance(instance)
    return launcher


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def a_run_of(instance: dg.DagsterInstance, *pids: int) -> dg.DagsterRun:
    """A run that has logged these processes, in this order, as Dagster's workers and executors do."""
    run = instance.create_run_for_job(idle)
    for pid in pids:
        instance.report_engine_event(f"Started process for run (pid: {pid}).", run, EngineEventData.in_process(pid))
    return run


def test_a_run_whose_process_lives_is_running(launcher, instance, worker):
    assert launcher.check_run_worker_health(a_run_of(instance, worker.pid)).status is WorkerStatus.RUNNING


def test_a_run_whose_process_was_killed_is_not_found(launcher, instance, worker):
    run = a_run_of(instance, worker.pid)
    worker.kill()
    worker.wait()

    found = launcher.check_run_worker_health(run)

    assert found.status is WorkerStatus.NOT_FOUND
    assert f"pid {worker.pid} is gone" in str(found)


def test_the_process_of_the_run_counts_and_not_that_of_a_later_step(launcher, instance, worker):
    run = a_run_of(instance, worker.pid, os.getpid())
    worker.kill()
    worker.wait()

    assert launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND


def test_a_run_that_named_no_process_yet_is_left_alone(launcher, instance):
    found = launcher.check_run_worker_health(a_run_of(instance))

    assert (found.status, found.transient) == (WorkerStatus.RUNNING, True)


def test_a_run_inside_another_program_is_watched_by_that_programs_pid(launcher, instance):
    result = idle.execute_in_process(instance=instance)

    found = launcher.check_run_worker_health(instance.get_run_by_id(result.run_id))

    assert (found.status, found.run_worker_id) == (WorkerStatus.RUNNING, str(os.getpid()))


def test_a_pid_that_a_younger_process_has_now_is_not_alive():
    started_at = psutil.Process().create_time()

    assert is_alive(os.getpid(), started_at)
    assert not is_alive(os.getpid(), started_at - CLOCK_MARGIN_SECONDS - 1)


def test_a_zombie_is_not_alive(worker):
    worker.kill()
    while psutil.Process(worker.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)

    assert not is_alive(worker.pid, time.time())
