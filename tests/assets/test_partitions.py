"""Which work the partition keys of a run mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assets.partitions import Slice, slices_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def day(number: int) -> datetime:
    return datetime(2026, 11, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("keys", "slices"),
    [
        pytest.param(["qbo|2026-11-21"], [Slice("qbo", None)], id="today catches up from the watermark"),
        pytest.param(["qbo|2026-11-19"], [Slice("qbo", (day(19), day(20)))], id="a past day is read again"),
        pytest.param(
            ["qbo|2026-11-18", "qbo|2026-11-19", "qbo|2026-11-20"],
            [Slice("qbo", (day(18), day(21)))],
            id="a range of past days is one window",
        ),
        pytest.param(
            ["qbo|2026-11-20", "qbo|2026-11-21"],
            [Slice("qbo", (day(20), day(21))), Slice("qbo", None)],
            id="a range up to today reads the past again and catches up",
        ),
        pytest.param(
            ["b|2026-11-21", "a|2026-11-21"], [Slice("b", None), Slice("a", None)], id="each connection on its own"
        ),
    ],
)
def test_partition_keys_mean(keys, slices):
    assert slices_of(keys, NOW) == slices
