"""Threads make way for each other at once while a page is fetched and another stored, and as before afterwards."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from resources.connector import Page
from resources.stages.pull import _one_ahead
from resources.switching import SWITCH_SECONDS, prompt_switching

PROMPTLY = pytest.approx(SWITCH_SECONDS)


@pytest.fixture(autouse=True)
def before():
    """What holds before is found again, however a test ends."""
    before = sys.getswitchinterval()
    assert before > SWITCH_SECONDS
    yield before
    assert sys.getswitchinterval() == before


def test_they_make_way_in_a_block_however_it_ends(before):
    with prompt_switching():
        assert sys.getswitchinterval() == PROMPTLY
    assert sys.getswitchinterval() == before
    with pytest.raises(ValueError, match="broken off"), prompt_switching():
        raise ValueError("broken off")


def test_they_make_way_until_the_last_thread_is_done():
    has_begun, may_end = Event(), Event()

    def work() -> None:
        with prompt_switching():
            has_begun.set()
            may_end.wait(10)

    with ThreadPoolExecutor(max_workers=1) as other:
        with prompt_switching():
            done = other.submit(work)
            assert has_begun.wait(10)
        assert sys.getswitchinterval() == PROMPTLY
        may_end.set()
        done.result()


def test_they_make_way_while_one_page_is_stored_and_the_next_one_fetched():
    coming = _one_ahead([Page("invoices", ()), Page("invoices", ())], lambda page: None)
    next(coming)
    assert sys.getswitchinterval() == PROMPTLY
    coming.close()
