"""Objects in a folder and in a bucket: what was put is got, and what went wrong is said with where to look."""

from __future__ import annotations

import pytest

from resources.errors import ErrorKind, TieoutError
from resources.object_store import open_store
from tests.resources.s3 import ACCESS_KEY, bucket_server


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with bucket_server() as running:
        yield running


def test_a_folder_gives_back_what_was_put_and_leaves_no_draft(tmp_path):
    store = open_store(str(tmp_path / "reports"))

    place = store.put("default/qbo/run-1/abc.pdf", b"page", "application/pdf")
    store.put("default/qbo/run-1/abc.pdf", b"page", "application/pdf")

    assert store.get("default/qbo/run-1/abc.pdf") == b"page"
    assert [str(path) for path in (tmp_path / "reports").rglob("*") if path.is_file()] == [place]


def test_no_key_leads_out_of_the_folder(tmp_path):
    with pytest.raises(ValueError, match="leads out"):
        open_store(str(tmp_path / "reports")).put("../elsewhere", b"", "text/plain")


def test_a_folder_that_cannot_be_written_is_said_with_its_setting(tmp_path):
    (tmp_path / "reports").write_text("a file")

    with pytest.raises(TieoutError) as failure:
        open_store(str(tmp_path / "reports")).put("a/b.pdf", b"", "application/pdf")

    assert failure.value.kind is ErrorKind.SYSTEM
    assert "TIEOUT_REPORTS" in failure.value.next_step
    assert str(tmp_path) in str(failure.value)


def test_what_is_not_there_is_not_found(tmp_path, bucket):
    for store in (open_store(str(tmp_path)), open_store("s3://books/reports", endpoint_url=bucket.url)):
        with pytest.raises(TieoutError) as failure:
            store.get("nothing.pdf")
        assert failure.value.kind is ErrorKind.NOT_FOUND


def test_a_bucket_gets_content_type_and_checksum_below_its_prefix(bucket):
    store = open_store("s3://books/reports/", endpoint_url=bucket.url)

    place = store.put("default/qbo/run-1/ü.html", b"<p>", "text/html")

    assert place == "s3://books/reports/default/qbo/run-1/ü.html"
    assert bucket.objects == {"/books/reports/default/qbo/run-1/ü.html": (b"<p>", "text/html")}
    assert store.get("default/qbo/run-1/ü.html") == b"<p>"


def test_a_bucket_that_is_busy_is_asked_again(bucket):
    bucket.failing = 1

    open_store("s3://books", endpoint_url=bucket.url).put("a.csv", b"1", "text/csv")

    assert list(bucket.objects) == ["/books/a.csv"]


def test_a_bucket_that_refuses_is_said_without_the_secret(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")

    with pytest.raises(TieoutError) as failure:
        open_store("s3://books", endpoint_url=bucket.url).put("a.csv", b"1", "text/csv")

    assert failure.value.kind is ErrorKind.AUTHORIZATION
    assert "AccessDenied" in str(failure.value)
    assert "secret" not in str(failure.value)
