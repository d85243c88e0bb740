"""Codes of one connection: which words of ours stand for which records of its ERP, and what waits for one."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import Query, Request, Response

from gateway.console.connecting import Name
from gateway.console.pages import ROWS_MAX, new_router, redirect, render
from gateway.console.visitors import Form, Operating, Reader
from gateway.problems import Refused
from ledger.spec import CODE_LISTS
from resources.profile import ErpProfile
from resources.stores import code_lists, code_maps

router = new_router()
CODE_CHARACTERS_MAX = 200
# More than this nobody finds in a list: then the id is typed.
CHOICES_MAX = 1000
# Of all lists together.
WAITING_MAX = 200
Code = Annotated[str, Query(max_length=CODE_CHARACTERS_MAX)]


@router.get("/connections/{name}/codes")
def page(
    name: Name,
    request: Request,
    visitor: Reader,
    list_name: Annotated[str, Query(alias="list", max_length=40)] = "",
    code: Code = "",
    after: Code = "",
) -> Response:
    one = visitor.connection(name)
    erp = visitor.services.erp(one)
    lists = _lists(erp)
    if list_name:
        _check(erp, list_name)
    code, after = code.replace("\0", ""), after.replace("\0", "")
    with visitor.transaction() as tx:
        waiting = code_lists.waiting(tx, one.name, lists, limit=WAITING_MAX)
        # Whoever comes from an error wants the list of which something waits.
        chosen = list_name or next((one.list for one in waiting), lists[0])
        found = code_lists.mapped(tx, one.name, chosen, name_key=erp.code_name_key, after=after, limit=ROWS_MAX + 1)
        choices = code_lists.choices(tx, one.name, chosen, name_key=erp.code_name_key, limit=CHOICES_MAX + 1)
    return render(
        request,
        "codes.html",
        visitor=visitor,
        one=one,
        lists=lists,
        chosen=chosen,
        code=code,
        found=found[:ROWS_MAX],
        more=found[ROWS_MAX - 1].code if len(found) > ROWS_MAX else None,
        after=after,
        choices=choices[:CHOICES_MAX],
        is_cut=len(choices) > CHOICES_MAX,
        waiting=[one for one in waiting if one.list == chosen][:ROWS_MAX],
        counts=Counter(one.list for one in waiting),
        code_characters_max=CODE_CHARACTERS_MAX,
    )


@router.post("/connections/{name}/codes")
def put(name: Name, visitor: Operating, form: Form) -> Response:
    """Say which record of the ERP a code of ours stands for; what waited for it goes by itself."""
    one, list_name, code = visitor.connection(name), form.get("list", ""), _code(form)
    _check(visitor.services.erp(one), list_name)
    external_id = form.get("external_id", "").strip()
    if not external_id:
        raise Refused(422, f"Found nothing that {code} is to stand for", next_step="go back and choose it")
    with visitor.transaction() as tx:
        code_maps.put(
            tx,
            tenant=visitor.tenant,
            connection=one.name,
            list_name=list_name,
            codes={code: external_id},
            actor=visitor.actor,
        )
    return redirect(_path(one.name), list=list_name, done="mapped")


@router.post("/connections/{name}/codes/remove")
def remove(name: Name, visitor: Operating, form: Form) -> Response:
    """Forget what a code stands for. What has been pushed stays as it is."""
    one, list_name, code = visitor.connection(name), form.get("list", ""), _code(form)
    _check(visitor.services.erp(one), list_name)
    with visitor.transaction() as tx:
        removed = code_maps.remove(
            tx, tenant=visitor.tenant, connection=one.name, list_name=list_name, codes=[code], actor=visitor.actor
        )
    if not removed:
        raise Refused(404, f"{code} is not mapped any more", next_step="see what is")
    return redirect(_path(one.name), list=list_name, done="unmapped")


def _path(name: str) -> str:
    return f"/console/connections/{name}/codes"


def _lists(erp: ErpProfile) -> list[str]:
    """The lists that this ERP has."""
    return [name for name in CODE_LISTS if name in erp.entities]


def _check(erp: ErpProfile, list_name: str) -> None:
    if list_name not in _lists(erp):
        raise Refused(422, f"Found the list {list_name[:40]!r}, expected one of {', '.join(_lists(erp))}")


def _code(form: Form) -> str:
    found = form.get("code", "").strip()
    if not found or len(found) > CODE_CHARACTERS_MAX or "\0" in found:
        raise Refused(
            422,
            f"Found a code of {len(found)} characters, expected 1 to {CODE_CHARACTERS_MAX}",
            next_step="go back and correct it",
        )
    return found
