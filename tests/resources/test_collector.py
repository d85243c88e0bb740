"""The garbage collector rests while anybody makes many objects, and runs again after the last of them."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from resources.collector import collector_paused


def test_it_rests_in_a_block_and_runs_after_it_however_it_ends():
    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="broken off"), collector_paused():
        raise ValueError("broken off")
    assert gc.isenabled()


def test_it_rests_until_the_last_thread_is_done():
    has_begun, may_end = Event(), Event()

    def work() -> None:
        with collector_paused():
            has_begun.set()
            may_end.wait(10)

    with ThreadPoolExecutor(max_workers=1) as other:
        with collector_paused():
            done = other.submit(work)
            assert has_begun.wait(10)
        assert not gc.isenabled()
        may_end.set()
        done.result()
    assert gc.isenabled()


def test_whoever_has_switched_it_off_finds_it_off():
    gc.disable()
    try:
        with collector_paused(), collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
