"""HTTP as connectors use it: bounded, read strictly, repeated only by our own rule."""

from __future__ import annotations

import gzip
import threading
from decimal import Decimal

import pytest
import requests

from resources.errors import ErrorKind, TieoutError
from resources.http import (
    AnswerTooLargeError,
    OversizedBody,
    StrictSession,
    retry_after_seconds,
    transport_error,
    with_retries,
)
from tests.resources.loopback import Reply, serving


def failing(kind: ErrorKind, retry_after: float | None = None) -> TieoutError:
    return TieoutError(kind, doing="trying", found="trouble", retry_after_seconds=retry_after)


def test_an_answer_read_by_an_unsuspecting_library_has_decimals():
    with serving(lambda request: Reply(b'{"Amount": 100.00}')) as url:
        read = StrictSession().get(url).json()

    assert read == {"Amount": Decimal("100.00")}
    assert str(read["Amount"]) == "100.00"


def test_a_library_that_reads_broken_json_gets_the_usual_exception():
    with serving(lambda request: Reply(b'{"Amount": NaN}')) as url, pytest.raises(requests.JSONDecodeError):
        StrictSession().get(url).json()


def test_a_body_over_the_limit_is_not_kept():
    with serving(lambda request: Reply(b"x" * 300_000)) as url, pytest.raises(OversizedBody):
        StrictSession(body_bytes_max=200_000).get(url)


def test_a_small_answer_that_unpacks_to_a_huge_one_is_stopped():
    bomb = gzip.compress(b"0" * 60_000_000)
    answer = Reply(bomb, headers={"Content_Encoding": "gzip"})

    with serving(lambda request: answer) as url, pytest.raises(OversizedBody, match="100 times"):
        StrictSession().get(url)


def test_an_ordinary_compressed_answer_is_read():
    packed = gzip.compress(b'{"a": [' + b"1.5," * 5000 + b"2]}")

    with serving(lambda request: Reply(packed, headers={"Content_Encoding": "gzip"})) as url:
        assert len(StrictSession().get(url).json()["a"]) == 5001


def test_a_redirect_is_an_answer_and_is_not_followed():
    asked = []

    def answer(request):
        asked.append(request.path)
        return Reply(b"", 302, {"Location": "/elsewhere"})

    with serving(answer) as url:
        assert StrictSession().get(f"{url}/here").status_code == 302
    assert asked == ["/here"]


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    with serving(lambda request: Reply()) as url:
        assert StrictSession().get(url).status_code == 200


@pytest.mark.parametrize("cut_after", [0, 1, 5000])
def test_a_body_that_breaks_off_is_a_connection_failure(cut_after):
    broken = Reply(b"x" * 10_000, cut_after=cut_after)

    with serving(lambda request: broken) as url, pytest.raises(requests.RequestException) as failure:
        StrictSession().get(url)

    assert transport_error(failure.value, connection="qbo", doing="pulling").kind is ErrorKind.CONNECTION


def test_nobody_listening_is_a_connection_failure_without_the_address():
    with pytest.raises(requests.RequestException) as failure:
        StrictSession().get("http://127.0.0.1:9/secret-path")

    error = transport_error(failure.value, connection="qbo", doing="pulling")
    assert (error.kind, error.is_retryable) == (ErrorKind.CONNECTION, True)
    assert "secret-path" not in str(error)


def test_an_answer_that_does_not_come_is_a_timeout():
    may_answer = threading.Event()

    def answer(request):
        may_answer.wait(5)
        return Reply()

    with serving(answer) as url:
        with pytest.raises(requests.RequestException) as failure:
            StrictSession(read_seconds=0.2).get(url)
        may_answer.set()

    assert transport_error(failure.value, connection="qbo", doing="pulling").kind is ErrorKind.TIMEOUT


def test_an_oversized_answer_is_not_asked_for_again():
    error = transport_error(OversizedBody("too much"), connection="qbo", doing="pulling")

    assert isinstance(error, AnswerTooLargeError)
    assert not error.is_retryable


def test_what_may_pass_is_tried_five_times_with_growing_pauses():
    pauses, calls = [], []

    def call():
        calls.append(1)
        raise failing(ErrorKind.SYSTEM)

    with pytest.raises(TieoutError):
        with_retries(call, sleep=pauses.append)

    assert len(calls) == 5
    assert all(0.75 * base <= pause <= 1.25 * base for base, pause in zip((1, 2, 4, 8), pauses, strict=True))


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if not failing(kind).is_retryable])
def test_what_cannot_pass_is_tried_once(kind):
    calls = []

    def call():
        calls.append(1)
        raise failing(kind)

    with pytest.raises(TieoutError):
        with_retries(call, sleep=lambda seconds: None)

    assert len(calls) == 1


def test_the_pause_that_the_other_side_asks_for_is_kept():
    pauses = []
    answers = iter([failing(ErrorKind.RATE_LIMIT, 37.0), None])

    def call():
        if error := next(answers):
            raise error
        return "done"

    assert with_retries(call, sleep=pauses.append) == "done"
    assert len(pauses) == 1
    assert 37 <= pauses[0] <= 41


def test_a_pause_longer_than_two_minutes_is_not_sat_out():
    with pytest.raises(TieoutError):
        with_retries(lambda: _raise(failing(ErrorKind.RATE_LIMIT, 3600.0)), sleep=_no_sleep)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"Retry-After": "Sat, 21 Nov 2026 10:01:00 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 60.0),
        ({"Retry-After": "Sat, 21 Nov 2026 09:00:00 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers, seconds):
    assert retry_after_seconds(headers) == seconds


def _raise(error: Exception):
    raise error


def _no_sleep(seconds: float) -> None:
    raise AssertionError("it slept")
