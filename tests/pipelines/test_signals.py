"""Ctrl-C and SIGTERM while Dagster runs a job in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pipelines.signals import none_forgotten
from tests.house import ROOT

# Dagster leaves SIGTERM as it leaves SIGINT, so it is tried in a process of its own.
FORGETFUL = """
import os, signal, sys, time
from dagster._utils.interrupts import capture_interrupts
from pipelines.signals import none_forgotten
try:
    with none_forgotten(), capture_interrupts():
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        time.sleep(0.05)
except KeyboardInterrupt:
    sys.exit(7)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_dagster_drops_ends_us_when_the_run_is_over(name):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", FORGETFUL, name], env=environment, timeout=60)
    assert ran.returncode == 7


def test_without_a_signal_nothing_happens_and_other_errors_stay_what_they_are():
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    with none_forgotten():
        pass
    with pytest.raises(ValueError, match="ours"), none_forgotten():
        raise ValueError("ours")
    after = signal.set_wakeup_fd(before)
    assert after == before
