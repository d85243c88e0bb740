"""Records that both sides changed, held for a person: both versions, the base, and what is in conflict.

A conflict is a state, not an event: at most one is open for a record, what it shows follows both sides while it is
open, and nothing is written while nothing changes. Deciding one is `resources/stages/resolve.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ledger.policies import IS_DELETED, ConflictKind
from ledger.policies import Conflict as FieldConflict
from ledger.spec import Record
from resources.errors import ErrorKind, TieoutError
from resources.stores import bindings, mirror

# The field of a possible duplicate: which record there ours may be; a list where a first meeting found several.
EXTERNAL_ID = "external_id"
_SHOWN_CHARACTERS_MAX = 60


@dataclass(frozen=True, slots=True)
class Conflict:
    """One conflict. `fields` are {name, base, ours, theirs}; base, ours and theirs are canonical records as JSON."""

    conflict_id: int
    tenant_id: str
    connection: str
    entity: str
    ledger_id: int
    external_id: str | None
    kind: str
    says: str
    fields: list[dict[str, Any]]
    base: str | None
    ours: str | None
    theirs: str | None
    ledger_version: int
    version_token: str | None
    state: str
    opened_at: datetime
    changed_at: datetime
    checked_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    resolution: dict[str, Any] | None

    @property
    def record(self) -> str:
        """How the record is named to a person."""
        return f"{self.entity}/{self.external_id or f'#{self.ledger_id}'}"

    @property
    def shown(self) -> str:
        """Names what it shows: another, as soon as it shows anything else."""
        return f"{self.ledger_version} {self.version_token or ''} {self.changed_at.isoformat()}"

    @property
    def candidates(self) -> list[str]:
        """The records there that ours may be, as a first meeting found them; empty for every other conflict."""
        found = next((f["theirs"] for f in self.fields if f["name"] == EXTERNAL_ID), None)
        return found if isinstance(found, list) else []

    @property
    def twins(self) -> list[str]:
        """The records there that carry the marker of the one our row stands for, but for that one."""
        return [f["theirs"] for f in self.fields if f["name"] == EXTERNAL_ID and isinstance(f["theirs"], str)]

    @property
    def made(self) -> str | None:
        """The record there that our row stands for, where it is asked about its twins."""
        return next((f["ours"] for f in self.fields if f["name"] == EXTERNAL_ID), None)

    @property
    def named(self) -> list[str]:
        """The records there of which it asks what they are to our row: candidates, twins, or the only one."""
        return self.candidates or self.twins or [x for x in (self.external_id,) if x]

    @property
    def is_list(self) -> bool:
        """Whether it names several records there or may come to: its version token is that of all of them."""
        return any(f["name"] == EXTERNAL_ID for f in self.fields)

    @property
    def never_agreed(self) -> list[str]:
        """Fields on which the two sides never agreed though they did on the record: a total that the ERP computed
        otherwise. They are shown without a base, as a merge would take one side's value for a lone change.
        """
        base = {} if self.base is None else msgspec.json.decode(self.base)
        # A field that was empty when both agreed has no base either, but there the base itself is empty.
        return [f["name"] for f in self.fields if f["base"] is None and base.get(f["name"]) is not None]


_COLUMNS = ", ".join(Conflict.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is to be shown of one row in conflict; `says` in place of what fields say."""

    ledger_id: int
    external_id: str | None
    kind: ConflictKind
    fields: Sequence[FieldConflict]
    base: Record | None
    ours: Record | None
    theirs: Record | None
    ledger_version: int
    version_token: str | None
    broken_rules: Sequence[str] = ()
    says: str = ""

    @property
    def lists(self) -> list[str]:
        """The records there of which it asks whether our row is one."""
        return next((f.theirs for f in self.fields if f.field == EXTERNAL_ID and isinstance(f.theirs, list)), [])

    @property
    def named(self) -> list[str]:
        """Those, or the twins of the record that our row is."""
        return self.lists or [f.theirs for f in self.fields if f.field == EXTERNAL_ID]


def which(
    ledger_id: int, ledger_version: int, ours: Record, there: Mapping[str, Record | None], reason: str
) -> Opening:
    """Asks which of these records there our row is, if any; the only one is shown with what it says."""
    ids = list(there)
    only = ids[0] if len(ids) == 1 else None
    return Opening(
        ledger_id=ledger_id,
        external_id=only,
        kind=ConflictKind.POSSIBLE_DUPLICATE,
        fields=[FieldConflict(EXTERNAL_ID, None, None, ids)],
        says=_may_be(ids, reason),
        base=None,
        ours=ours,
        theirs=there[only] if only else None,
        ledger_version=ledger_version,
        version_token=None,
    )


def keep(
    tx: psycopg.Connection[Any], *, tenant: str, connection: str, entity: str, run_id: int | None = None, **shown: Any
) -> None:
    """Open a conflict, or have the open one of this record show what is so now: `shown` is what an Opening takes."""
    keep_all(tx, tenant=tenant, connection=connection, entity=entity, openings=[Opening(**shown)], run_id=run_id)


def keep_all(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    entity: str,
    openings: Sequence[Opening],
    run_id: int | None = None,
) -> None:
    """Open conflicts of rows of one entity, each row once, or have their open ones show what is so now.

    One that asks whether our row is some other record, or which of several, goes on asking, about this one too.
    """
    if not openings:
        return
    questions = asked(tx, connection, entity, [one.ledger_id for one in openings])
    named = list({external_id for one in openings for external_id in one.named})
    change_seqs = mirror.change_seqs(tx, connection, entity, named) if named else {}
    rows = [_row(one, change_seqs) for one in openings if not _goes_on_asking(tx, questions.get(one.ledger_id), one)]
    if rows:
        tx.execute(
            _KEEP,
            {
                "rows": msgspec.json.encode(rows).decode(),
                "tenant": tenant,
                "connection": connection,
                "entity": entity,
                "run_id": run_id,
            },
        )


def _goes_on_asking(tx: psycopg.Connection[Any], question: Conflict | None, one: Opening) -> bool:
    if question is None:
        return False
    if one.kind is not ConflictKind.POSSIBLE_DUPLICATE:
        # First who is who: until then the base stays, so that this comes up again.
        return True
    if not one.lists and any(f.field == EXTERNAL_ID for f in one.fields):
        # Which of them carry our marker is shown anew.
        return False
    among = question.named
    ids = one.lists or [x for x in (one.external_id,) if x]
    if more := [x for x in ids if x not in among]:
        _ask_about(tx, question, [*among, *more])
    return set(ids) != set(among) or bool(question.candidates and not one.lists)


def versions_of(tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]) -> str:
    """Names how the mirror has these records: otherwise, as soon as one of them moves."""
    return _versions(mirror.change_seqs(tx, connection, entity, external_ids), external_ids)


def _versions(change_seqs: Mapping[str, int], external_ids: Sequence[str]) -> str:
    return " ".join(f"{external_id}@{change_seqs.get(external_id)}" for external_id in external_ids)


def _row(one: Opening, change_seqs: Mapping[str, int]) -> dict[str, Any]:
    listed = [
        {"name": f.field, "base": _plain(f.base), "ours": _plain(f.ours), "theirs": _plain(f.theirs)}
        for f in one.fields
    ]
    return {
        "ledger_id": one.ledger_id,
        "external_id": one.external_id,
        "kind": one.kind.value,
        "says": one.says or _says(one.kind, listed, one.broken_rules),
        "fields": listed,
        **{
            name: None if r is None else bindings.encode(r)
            for name, r in (("base", one.base), ("ours", one.ours), ("theirs", one.theirs))
        },
        "ledger_version": one.ledger_version,
        "version_token": _versions(change_seqs, one.named) if one.named else one.version_token,
    }


_KEEP = """
    insert into sync.conflicts as c
      (tenant_id, connection, entity, ledger_id, external_id, kind, says, fields, base, ours, theirs,
       ledger_version, version_token, run_id)
    select %(tenant)s, %(connection)s, %(entity)s, n.ledger_id, n.external_id, n.kind, n.says, n.fields, n.base, n.ours,
           n.theirs, n.ledger_version, n.version_token, %(run_id)s
      from json_to_recordset(%(rows)s::json) as n (ledger_id bigint, external_id text, kind text, says text,
           fields jsonb, base text, ours text, theirs text, ledger_version bigint, version_token text)
    on conflict (connection, entity, ledger_id) where state = 'open' do update
       set external_id = excluded.external_id, kind = excluded.kind, says = excluded.says,
           fields = excluded.fields, base = excluded.base, ours = excluded.ours, theirs = excluded.theirs,
           ledger_version = excluded.ledger_version, version_token = excluded.version_token,
           run_id = excluded.run_id, changed_at = clock_timestamp()
     where (c.external_id, c.kind, c.says, c.fields, c.base, c.ours, c.theirs, c.ledger_version, c.version_token)
       is distinct from (excluded.external_id, excluded.kind, excluded.says, excluded.fields, excluded.base,
                         excluded.ours, excluded.theirs, excluded.ledger_version, excluded.version_token)
"""


def is_asked_about_another(
    tx: psycopg.Connection[Any], connection: str, entity: str, ledger_id: int, external_id: str
) -> bool:
    """Whether it is an open question if a row of ours is some other record there than this one."""
    question = asked(tx, connection, entity, [ledger_id]).get(ledger_id)
    return question is not None and (bool(question.candidates) or question.external_id != external_id)


def open_of(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_id: int) -> Conflict | None:
    """The open conflict of a ledger row."""
    with tx.cursor(row_factory=class_row(Conflict)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.conflicts where connection = %s and entity = %s and ledger_id = %s "
            "and state = 'open'",
            (connection, entity, ledger_id),
        ).fetchone()


def asked(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_ids: Sequence[int]) -> dict[int, Conflict]:
    """The open conflicts that ask which record there a row of ours is, by ledger id."""
    with tx.cursor(row_factory=class_row(Conflict)) as rows:
        found = rows.execute(
            f"select {_COLUMNS} from sync.conflicts where connection = %s and entity = %s and ledger_id = any(%s) "
            "and state = 'open' and kind = %s",
            (connection, entity, list(ledger_ids), ConflictKind.POSSIBLE_DUPLICATE.value),
        ).fetchall()
    return {one.ledger_id: one for one in found}


def _ask_about(tx: psycopg.Connection[Any], question: Conflict, among: list[str]) -> None:
    fields = [{"name": EXTERNAL_ID, "base": None, "ours": None, "theirs": among}]
    tx.execute(
        "update sync.conflicts set fields = %s, says = %s, external_id = null, theirs = null, version_token = %s, "
        "changed_at = clock_timestamp() where conflict_id = %s",
        (
            Jsonb(fields),
            _may_be(among),
            versions_of(tx, question.connection, question.entity, among),
            question.conflict_id,
        ),
    )


def moved(
    tx: psycopg.Connection[Any],
    connection: str,
    entity: str,
    questions: Sequence[Conflict],
    arrived: Mapping[str, Record | None],
) -> None:
    """Some of the records that these questions list are other versions now; one that is shown, with what it says."""
    change_seqs = mirror.change_seqs(tx, connection, entity, list({x for one in questions for x in one.named}))
    shown = [one.theirs for one in questions]
    for place, one in enumerate(questions):
        if one.external_id in arrived:
            theirs = arrived[one.external_id]
            shown[place] = None if theirs is None else bindings.encode(theirs)
    tx.execute(
        """
        update sync.conflicts c set theirs = n.theirs, version_token = n.version_token, changed_at = clock_timestamp()
          from unnest(%s::bigint[], %s::text[], %s::text[]) as n (conflict_id, theirs, version_token)
         where c.conflict_id = n.conflict_id and c.state = 'open'
           and (c.theirs, c.version_token) is distinct from (n.theirs, n.version_token)
        """,
        ([one.conflict_id for one in questions], shown, [_versions(change_seqs, one.named) for one in questions]),
    )


def _may_be(among: Sequence[str], reason: str = "") -> str:
    return f"may be {', '.join(among)} there{reason and f': {reason}'}"


def settle(
    tx: psycopg.Connection[Any], connection: str, entity: str, ledger_id: int, external_id: str, *, by: str
) -> None:
    """A row of ours and this record there came to agree by themselves. Whether it is another one too stays asked."""
    tx.execute(
        "update sync.conflicts set state = 'settled', ended_at = clock_timestamp(), ended_by = %s "
        "where connection = %s and entity = %s and ledger_id = %s and state = 'open' "
        "and (kind <> %s or external_id = %s)",
        (by, connection, entity, ledger_id, ConflictKind.POSSIBLE_DUPLICATE.value, external_id),
    )


def settle_records(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str], *, by: str
) -> None:
    """What these records of the ERP may be ours for is over: they are gone, or are no longer like any of ours."""
    tx.execute(
        "update sync.conflicts set state = 'settled', ended_at = clock_timestamp(), ended_by = %s "
        "where connection = %s and entity = %s and external_id = any(%s) and state = 'open'",
        (by, connection, entity, list(external_ids)),
    )


def resolve(tx: psycopg.Connection[Any], conflict_id: int, *, by: str, resolution: dict[str, Any]) -> None:
    """A person decided; `resolution` says what, field by field."""
    tx.execute(
        "update sync.conflicts set state = 'resolved', ended_at = clock_timestamp(), ended_by = %s, resolution = %s "
        "where conflict_id = %s and state = 'open'",
        (by, Jsonb(resolution), conflict_id),
    )


def tenant_of(tx: psycopg.Connection[Any], conflict_id: int) -> str:
    """Whose conflict it is, in a transaction of the fleet; raises TieoutError if there is none of that id."""
    found = tx.execute("select tenant_id from sync.conflicts where conflict_id = %s", (conflict_id,)).fetchone()
    if found is None:
        raise _unknown(conflict_id)
    return found[0]


def get(tx: psycopg.Connection[Any], conflict_id: int, *, is_locked: bool = False) -> Conflict:
    """One conflict, whatever its state; `is_locked` keeps others from it until the transaction ends."""
    with tx.cursor(row_factory=class_row(Conflict)) as rows:
        found = rows.execute(
            f"select {_COLUMNS} from sync.conflicts where conflict_id = %s {'for update' if is_locked else ''}",
            (conflict_id,),
        ).fetchone()
    if found is None:
        raise _unknown(conflict_id)
    return found


def list_open(tx: psycopg.Connection[Any], connection: str) -> list[Conflict]:
    """The open conflicts of a connection, oldest first."""
    with tx.cursor(row_factory=class_row(Conflict)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.conflicts where connection = %s and state = 'open' order by conflict_id",
            (connection,),
        ).fetchall()


def of_row(tx: psycopg.Connection[Any], entity: str, ledger_id: int) -> list[Conflict]:
    """Every conflict there was about a ledger row, oldest first."""
    with tx.cursor(row_factory=class_row(Conflict)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.conflicts where entity = %s and ledger_id = %s order by conflict_id",
            (entity, ledger_id),
        ).fetchall()


def checked(tx: psycopg.Connection[Any], conflict_ids: Sequence[int]) -> None:
    """The conflict check has looked at these."""
    tx.execute(
        "update sync.conflicts set checked_at = clock_timestamp() where conflict_id = any(%s)", (list(conflict_ids),)
    )


def open_count(tx: psycopg.Connection[Any], connection: str) -> int:
    row = tx.execute(
        "select count(*) from sync.conflicts where connection = %s and state = 'open'", (connection,)
    ).fetchone()
    assert row is not None
    return row[0]


def any_open(tx: psycopg.Connection[Any], connection: str, entity: str) -> bool:
    """Whether any record of the entity is held."""
    query = "select 1 from sync.conflicts where connection = %s and entity = %s and state = 'open' limit 1"
    return tx.execute(query, (connection, entity)).fetchone() is not None


def open_rows(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_ids: Iterable[int]) -> set[int]:
    """Those of these ledger rows that are held."""
    return {
        ledger_id
        for (ledger_id,) in tx.execute(
            "select ledger_id from sync.conflicts "
            "where connection = %s and entity = %s and ledger_id = any(%s) and state = 'open'",
            (connection, entity, list(ledger_ids)),
        )
    }


def open_records(tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Iterable[str]) -> set[str]:
    """Those of these records of the ERP that are held, or that a question lists (`listed`)."""
    ids = list(external_ids)
    held = {
        external_id
        for (external_id,) in tx.execute(
            "select external_id from sync.conflicts "
            "where connection = %s and entity = %s and external_id = any(%s) and state = 'open'",
            (connection, entity, ids),
        )
    }
    return held | (listed(tx, connection, entity) & set(ids))


def listing(tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]) -> list[Conflict]:
    """The open conflicts that list any of these records of the ERP (see `listed`)."""
    if not external_ids:
        return []
    with tx.cursor(row_factory=class_row(Conflict)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.conflicts where connection = %s and entity = %s and state = 'open' "
            "and kind = %s and exists (select from jsonb_array_elements(fields) f where f ->> 'name' = %s "
            "and f -> 'theirs' ?| %s) order by conflict_id",
            (connection, entity, ConflictKind.POSSIBLE_DUPLICATE.value, EXTERNAL_ID, list(external_ids)),
        ).fetchall()


def listed(tx: psycopg.Connection[Any], connection: str, entity: str) -> set[str]:
    """Records there of which a person is asked which row here they are, or what becomes of them beside the one that a
    row is: neither new nor bound.
    """
    return {
        external_id
        for (external_id,) in tx.execute(
            """
            select jsonb_array_elements_text(case jsonb_typeof(f -> 'theirs') when 'array' then f -> 'theirs'
                                             else jsonb_build_array(f -> 'theirs') end)
              from sync.conflicts c, jsonb_array_elements(c.fields) f
             where c.connection = %s and c.entity = %s and c.state = 'open' and c.kind = %s and f ->> 'name' = %s
            """,
            (connection, entity, ConflictKind.POSSIBLE_DUPLICATE.value, EXTERNAL_ID),
        )
    }


def _unknown(conflict_id: int) -> TieoutError:
    return TieoutError(
        ErrorKind.NOT_FOUND,
        doing=f"looking up the conflict {conflict_id}",
        found="no such conflict",
        expected="the id of one",
        next_step="see `tieout conflicts list`",
    )


def _plain(value: Any) -> Any:
    """What JSON can say of a value; amounts as text, so that nobody's parser turns them into floats."""
    return msgspec.to_builtins(value)


def _says(kind: ConflictKind, fields: Sequence[dict[str, Any]], broken_rules: Sequence[str]) -> str:
    if kind is ConflictKind.POSSIBLE_DUPLICATE and broken_rules:
        return f"may be the same record: {'; '.join(broken_rules)}"
    if broken_rules:
        return f"both changes together break a rule: {'; '.join(broken_rules)}"
    if kind is ConflictKind.DELETE_CONFLICT:
        (name, is_here) = next((f["name"], f["ours"]) for f in fields if f["name"] in (IS_DELETED, "is_void"))
        what = "deleted" if name == IS_DELETED else "voided"
        return f"{what} here and changed there" if is_here else f"{what} there and changed here"
    told = [f"{f['name']}: {_short(f['ours'])} here, {_short(f['theirs'])} there" for f in fields]
    says = "; ".join(told)
    return f"may be the same record: {says}" if kind is ConflictKind.POSSIBLE_DUPLICATE else says


def _short(value: Any) -> str:
    text = (
        "nothing" if value is None else repr(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
    )
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}…"
