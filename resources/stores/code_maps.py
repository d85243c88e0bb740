"""Code maps: which word of ours stands for which account, term, payment method or tax code of a connection's ERP.

One to one in each list, so that what goes to the ERP comes back as the same word. Using them on a record is
`ledger/codes.py`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from ledger.codes import CodeTable
from ledger.spec import CODE_LISTS
from resources.errors import ErrorKind, TieoutError
from resources.stores import audit, edits

_SHOWN_MAX = 10


@dataclass(frozen=True, slots=True)
class CodeMap:
    connection: str
    list: str
    code: str
    external_id: str


def read_all(tx: psycopg.Connection[Any], connection: str | None = None) -> list[CodeMap]:
    """The maps of one connection, or of all the tenant's."""
    with tx.cursor(row_factory=class_row(CodeMap)) as rows:
        return rows.execute(
            "select connection, list, code, external_id from sync.code_maps "
            "where %(connection)s::text is null or connection = %(connection)s order by connection, list, code",
            {"connection": connection},
        ).fetchall()


def table(tx: psycopg.Connection[Any], connection: str) -> CodeTable:
    """Both directions of a connection's codes."""
    there: dict[str, dict[str, str]] = {name: {} for name in CODE_LISTS}
    back: dict[str, dict[str, str]] = {name: {} for name in CODE_LISTS}
    for entry in read_all(tx, connection):
        there[entry.list][entry.code] = entry.external_id
        back[entry.list][entry.external_id] = entry.code
    return CodeTable(there, back)


def put(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    list_name: str,
    codes: dict[str, str],
    actor: str,
) -> list[str]:
    """Map codes of ours to external ids that the mirror holds; returns those that were not mapped so before.

    All or none: raises TieoutError naming every id that the ERP does not have or that has another code already. What
    waited for a map is looked at again.
    """
    _check_list(connection, list_name)
    _check_ids(tx, connection, list_name, codes)
    before = {e.code: e.external_id for e in read_all(tx, connection) if e.list == list_name}
    after = {**before, **codes}
    twins = sorted({f"{e} (from {c})" for c, e in after.items() if c not in codes and e in codes.values()})
    if twins or len(set(codes.values())) < len(codes):
        raise _refused(
            connection,
            list_name,
            f"{', '.join(twins) or 'one id given twice'}, already mapped",
            "one code for each id",
            "unmap the other code first",
        )
    changed = {code: external_id for code, external_id in codes.items() if before.get(code) != external_id}
    if not changed:
        return []
    with tx.cursor() as cursor:
        cursor.executemany(
            "insert into sync.code_maps (tenant_id, connection, list, code, external_id) values (%s, %s, %s, %s, %s) "
            "on conflict (connection, list, code) do update set external_id = excluded.external_id",
            [(tenant, connection, list_name, code, external_id) for code, external_id in changed.items()],
        )
    edits.look_again(tx, connection)
    audit.append(
        tx,
        tenant=tenant,
        actor=actor,
        action="codes.map",
        connection=connection,
        detail={"list": list_name, "mapped": changed, "before": {c: before[c] for c in changed if c in before}},
    )
    return list(changed)


def remove(
    tx: psycopg.Connection[Any], *, tenant: str, connection: str, list_name: str, codes: list[str], actor: str
) -> list[str]:
    """Unmap codes; returns those that were mapped."""
    _check_list(connection, list_name)
    removed = dict(
        tx.execute(
            "delete from sync.code_maps where connection = %s and list = %s and code = any(%s) "
            "returning code, external_id",
            (connection, list_name, codes),
        ).fetchall()
    )
    if removed:
        audit.append(
            tx,
            tenant=tenant,
            actor=actor,
            action="codes.unmap",
            connection=connection,
            detail={"list": list_name, "before": removed},
        )
    return sorted(removed)


def _check_list(connection: str, list_name: str) -> None:
    if list_name not in CODE_LISTS:
        raise _refused(connection, list_name, f"list {list_name}", f"one of {', '.join(CODE_LISTS)}", "name one")


def _check_ids(tx: psycopg.Connection[Any], connection: str, list_name: str, codes: dict[str, str]) -> None:
    known = [
        external_id
        for (external_id,) in tx.execute(
            sql.SQL(
                "select external_id from mirror.{} where connection = %s and not is_deleted order by external_id"
            ).format(sql.Identifier(list_name)),
            (connection,),
        )
    ]
    unknown = sorted(set(codes.values()) - set(known))
    if not unknown:
        return
    near = list(dict.fromkeys(k for u in unknown for k in difflib.get_close_matches(u, known))) or known
    shown = ", ".join(near[:_SHOWN_MAX]) + (" ..." if len(near) > _SHOWN_MAX else "")
    raise _refused(
        connection,
        list_name,
        f"no {list_name} with the id {', '.join(unknown)} in the mirror",
        f"the ERP's own id of one it has, such as {shown}" if known else f"{list_name} in the mirror, which has none",
        f"correct it, or run `tieout sync {connection}` if it is new there",
    )


def _refused(connection: str, list_name: str, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        connection=connection,
        doing=f"mapping codes of {list_name}",
        found=found,
        expected=expected,
        next_step=next_step,
    )
