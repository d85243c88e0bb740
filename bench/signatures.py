"""Whether the time of a refusal tells where a signature or a key is wrong: first byte, last byte, or not at all.

Belongs here: the samples and their comparison. Measured in this process around the functions that compare, where a byte
by byte comparison would show as nanoseconds; over a network the same difference drowns in the way there.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import hmac
import json
import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from resources.erps import erp_names, erp_of
from resources.stores import api_keys
from resources.webhooks import is_signed

SAMPLES = 200_000
# Medians of so many stretches of the samples: their scatter is what the difference is uncertain by.
STRETCHES = 100
CASES = ("wrong at the first byte", "wrong at the last byte", "right")
SEED = 20261122


def measure_signatures(samples: int = SAMPLES) -> str:
    """Time the refusals; returns the part of the results."""
    rows, differences = [], []
    for name, check, given in _subjects():
        taken = _timed(check, given, samples)
        medians = [statistics.median(one) for one in taken]
        for (case, other), (one, two) in zip(pairwise(CASES), pairwise(taken), strict=True):
            difference, error = _difference(one, two)
            differences.append(f"| {name} | {other} - {case} | {difference:+.1f} | {2 * error:.1f} |")
        rows.append(f"| {name} | " + " | ".join(f"{median:,.0f}" for median in medians) + " |")
    return (
        f"## Timing of the signature check: {samples:,} of each, in random order\n\n"
        "In process, around the comparing function; nanoseconds, medians.\n\n"
        f"| check | {' | '.join(CASES)} |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        "| check | difference | ns | ± ns (95 %) |\n|---|---|---|---|\n" + "\n".join(differences) + "\n"
    )


def _subjects() -> Sequence[tuple[str, Callable[[str], bool], tuple[str, str, str]]]:
    """What is checked, by what, and what it is given in each case."""
    found = []
    body = json.dumps({"events": [{"id": f"event-{n}", "entity": "invoices"} for n in range(20)]}).encode()
    for erp in erp_names():
        if erp_of(erp).webhooks is None:
            continue
        key = f"the signing key of {erp}"
        right = base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256)).decode()
        # The last character is padding and the one before holds bits of chance: the one before that is all theirs.
        found.append((f"{erp}: webhook", _signed_by(body, key), (_wrong(right, 0), _wrong(right, -3), right)))
    secret = "Zm9yIHRoZSBiZW5jaG1hcmsgb25seSwgYW5kIG5vd2hlcmUgZWxzZQ"
    right = f"tieout.default.3f9c01d2ab77.{secret}"
    kept = api_keys.hashed(right)
    first = len(right) - len(secret)
    keys = (_wrong(right, first), _wrong(right, -1), right)
    found.append(("API and console: key", lambda given: api_keys.is_hash_of(kept, given), keys))
    # What a comparison looks like that stops at the first difference: if this showed nothing, nothing would be shown.
    text = base64.b64encode(bytes(range(32))).decode()
    return [
        *found,
        ("for comparison: a loop that stops", _stopping_at(text), (_wrong(text, 0), _wrong(text, -3), text)),
    ]


def _signed_by(body: bytes, key: str) -> Callable[[str], bool]:
    return lambda given: is_signed(body, key, given)


def _stopping_at(wanted: str) -> Callable[[str], bool]:
    return lambda given: all(one == other for one, other in zip(wanted, given, strict=True))


def _wrong(text: str, place: int) -> str:
    """The same with one character changed."""
    place %= len(text)
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def _timed(check: Callable[[str], bool], given: Sequence[str], samples: int) -> list[list[int]]:
    """Nanoseconds of each call, by case, in the order in which they were made. Cases come in random order."""
    chance = random.Random(SEED)
    taken: list[list[int]] = [[] for _ in given]
    for case, one in enumerate(given):
        assert check(one) is (CASES[case] == "right"), CASES[case]
    gc.disable()
    try:
        for _ in range(samples):
            for case in chance.sample(range(len(given)), len(given)):
                one = given[case]
                began = time.perf_counter_ns()
                check(one)
                taken[case].append(time.perf_counter_ns() - began)
    finally:
        gc.enable()
    return taken


def _difference(one: Sequence[int], other: Sequence[int]) -> tuple[float, float]:
    """How much longer the other took in the median, and the standard error of that."""
    size = len(one) // STRETCHES
    parts = [
        statistics.median(other[n * size : (n + 1) * size]) - statistics.median(one[n * size : (n + 1) * size])
        for n in range(STRETCHES)
    ]
    return statistics.fmean(parts), statistics.stdev(parts) / math.sqrt(len(parts))
