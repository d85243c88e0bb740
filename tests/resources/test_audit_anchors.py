"""Heads written down outside the database: a chain cut together with its head no longer matches them."""

from __future__ import annotations

import psycopg
import pytest

from resources import audit_anchors
from resources.errors import TieoutError
from resources.stores import audit
from tests.books import open_services
from tests.conftest import drop_database
from tests.house import prepare_database


@pytest.fixture
def house(new_database, tmp_path):
    database = new_database(prepare_database)
    with open_services(database.url(), tmp_path) as services:
        yield services
    drop_database(database.server, database.name)


def append(house, count: int = 1, tenant: str = "default") -> None:
    with house.db.transaction(tenant) as tx:
        for _ in range(count):
            audit.append(tx, tenant=tenant, actor="ann", action="a", detail={})


def anchored(house) -> list[str]:
    path = house.settings.home / audit_anchors.FILE_NAME
    return path.read_text().splitlines() if path.exists() else []


def cut(house, server, seq: int) -> None:
    name = house.owner_url.rsplit("/", 1)[1]
    with psycopg.connect(server.url("superuser", name)) as db:
        db.execute("set session_replication_role = replica")
        db.execute("delete from sync.audit where seq > %s", (seq,))
        db.execute(
            "update sync.audit_heads h set seq = a.seq, hash = a.hash from sync.audit a "
            "where a.tenant_id = h.tenant_id and a.seq = %s",
            (seq,),
        )


def test_a_whole_chain_is_anchored_once_for_each_head(house):
    assert audit_anchors.examine(house, "default") == (None, [])
    assert anchored(house) == []
    append(house, 2)
    for _ in range(2):
        head, found = audit_anchors.examine(house, "default")
        assert (head.seq, found) == (2, [])
    assert len(anchored(house)) == 1
    append(house)
    audit_anchors.anchor(house, "default")
    append(house, tenant="other")
    audit_anchors.anchor(house, "other")
    assert len(anchored(house)) == 3
    assert audit_anchors.examine(house, "default")[1] == []


def test_a_tail_cut_with_its_head_is_found_for_good(house, server):
    append(house, 5)
    audit_anchors.examine(house, "default")
    cut(house, server, 3)

    (finding,) = audit_anchors.examine(house, "default")[1]
    assert (finding.kind, finding.seq) == ("missing", 5)
    assert "entry 5 is missing: it was the head when it was anchored at " in finding.says
    # What is broken is not anchored, and an anchor written later excuses nothing.
    assert len(anchored(house)) == 1
    append(house, 4)
    audit_anchors.anchor(house, "default")
    (finding,) = audit_anchors.examine(house, "default")[1]
    assert (finding.kind, finding.seq) == ("replaced", 5)


def test_a_file_that_cannot_be_read_is_one_clear_message(house):
    append(house)
    audit_anchors.anchor(house, "default")
    path = house.settings.home / audit_anchors.FILE_NAME
    path.write_text(path.read_text() + '{"seq": "x"}\n')
    with pytest.raises(TieoutError, match="in line 2"):
        audit_anchors.examine(house, "default")


def test_another_database_of_the_same_home_has_anchors_of_its_own(house, new_database):
    append(house, 2)
    audit_anchors.anchor(house, "default")
    with open_services(new_database(prepare_database).url(), house.settings.home) as other:
        assert audit_anchors.examine(other, "default") == (None, [])
