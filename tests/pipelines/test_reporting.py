"""Reports by command: what was written is listed, written again with what was said since, and got as files."""

from __future__ import annotations

import json

from tests.books import Books
from tests.command import answer, tieout
from tests.house import CONNECTION
from tests.pipelines.test_breaks import broken, simulator  # noqa: F401


def test_a_report_is_written_listed_and_copied_with_what_was_said_of_its_breaks_since(
    broken: Books,  # noqa: F811
):
    assert "No report yet" in tieout("reports", "list").output
    first = answer("reports", "write", CONNECTION)
    assert answer("reports", "write", CONNECTION) == first

    number = answer("breaks", "list", code=1)["breaks"][0]["break_id"]
    tieout("breaks", "explain", str(number), "a typing error", "--by", "ben")
    answer("reports", "write", CONNECTION, "--into", str(broken.home / "out"))

    run = first["run_id"]
    copies = {path.suffix: path for path in (broken.home / "out").iterdir()}
    assert {path.name for path in copies.values()} == {
        f"{CONNECTION}-run-{run}.{form}" for form in ("pdf", "html", "json", "csv")
    }
    said = json.loads(copies[".json"].read_text(encoding="utf-8"))
    assert [(b["amount"], b["state"], b["note"]) for b in said["breaks"]] == [
        ("-1200.00", "explained", "a typing error"),
        ("-10.00", "open", None),
    ]
    listed = answer("reports", "list")["reports"]
    assert {(f["run_id"], f["format"]) for f in listed} == {(run, form) for form in ("pdf", "html", "json", "csv")}
    assert len(listed) == 8


def test_a_report_on_nothing_is_refused_with_what_to_do(broken: Books):  # noqa: F811
    said = tieout("reports", "write", CONNECTION, "--run", "987")

    assert said.exit_code == 2
    assert "no reconciliation by run 987" in said.output
    assert f"tieout reconcile {CONNECTION}" in said.output
