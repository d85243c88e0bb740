"""The file of a company: a request is in it as a whole or not at all."""

from pathlib import Path

import pytest

from sandbox import persist
from sandbox.persist import Journal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "company.journal"


def test_what_one_request_changed_is_lost_together_wherever_the_line_is_cut(file: Path):
    journal = Journal(str(file))
    journal.add("put", 1)
    journal.commit()
    whole = file.read_bytes()
    for number in (2, 3, 4):
        journal.add_raw("put", "Invoice", str(number), b'{"Id":\n7.50}')
    journal.commit()
    both = file.read_bytes()

    for length in range(len(whole), len(both)):
        file.write_bytes(both[:length])
        assert list(journal.entries()) == [["put", 1]]
    file.write_bytes(both)
    assert [entry[1:3] for entry in journal.entries()] == [[1], *(["Invoice", key] for key in "234")]


def test_what_is_not_committed_is_not_written(file: Path):
    journal = Journal(str(file))
    journal.add("put", 1)

    assert file.read_bytes() == b""


def test_a_large_load_is_several_lines(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(persist, "LINE_BYTES_MAX", 50)
    journal = Journal(str(file))
    for number in range(20):
        journal.add("put", number)
    journal.commit()

    assert file.read_bytes().count(b"\n") > 3
    assert [entry[1] for entry in journal.entries()] == list(range(20))


def test_a_rewritten_file_has_the_new_entries_only_and_goes_on(file: Path):
    journal = Journal(str(file))
    journal.add("put", 1)
    journal.commit()
    journal.add("put", 2)

    journal.rewrite([("put", 3)])
    journal.add("put", 4)
    journal.commit()

    assert [entry[1] for entry in journal.entries()] == [3, 4]


def test_a_file_of_something_else_is_named(file: Path):
    file.write_bytes(b"hello\nworld\n")

    with pytest.raises(ValueError, match=r"company\.journal line 1"):
        list(Journal(str(file)).entries())
