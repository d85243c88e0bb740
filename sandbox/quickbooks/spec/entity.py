"""The form of a row of the specification: an entity, and the kinds of its properties.

Belongs here: how rows and properties are written down. The rows are `lists.py` and `transactions.py`; the known
properties of every type are `sandbox/quickbooks/properties`.
"""

from dataclasses import dataclass

from sandbox.quickbooks.properties import SCHEMA


@dataclass(frozen=True, slots=True)
class Property:
    """One property:
    `kind` is text, number, boolean, date, time, reference, any, or the name of another schema entry.
    """

    name: str
    kind: str
    is_list: bool


_MARKS = {"#": "number", "?": "boolean", "@": "date", "~": "time", ">": "reference", "=": "any"}


def _parse(entry: str) -> dict[str, Property]:
    properties: dict[str, Property] = {}
    for word in SCHEMA[entry].split():
        if word.startswith("+"):
            properties.update(_parse(word[1:]))
            continue
        is_list, word = word.endswith("*"), word.removesuffix("*")
        name, colon, other = word.partition(":")
        if colon:
            kind = other or name
        else:
            kind = _MARKS.get(word[-1], "text")
            name = word.rstrip("#?@~>=")
        properties[name] = Property(name, kind, is_list)
    return properties


TYPES: dict[str, dict[str, Property]] = {entry: _parse(entry) for entry in SCHEMA}


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity. Words in the texts are separated by blanks.

    `kind`: "name" (lists of people, things, codes: ordered by `order`), "transaction" (newest change first), "single"
    (one object). `sequence`: which counter its Ids come from. `filterable`/`sortable`: beyond Id and MetaData times.
    `totals`: list answers carry totalCount. `hides_inactive`: default queries leave inactive rows out. `named_by`:
    the property that must be unique within `unique_with`; `shown_as`: what references to it show as name. `party`:
    the property naming the customer or vendor. `arrays`: lists shown even when empty. `can`: create update delete
    void query read. `required`: on create. `numbered`: gets a DocNumber by itself. `lines`: detail types a line may
    have (empty: unchecked). `cdc`: known to change data capture. `key`: the properties that identify an object which
    has no Id. `rows_beyond_page`: how many rows more than asked for a page of a query has.
    `sparse_required`: what even a sparse update must say again. `called`: its name in paths and statements, where that
    is not the one in bodies. `is_wrapper`: the object is one around another, which has the Id.
    """

    name: str
    kind: str
    sequence: str
    order: str = ""
    filterable: str = ""
    sortable: str = ""
    totals: bool = False
    hides_inactive: bool = False
    named_by: str = ""
    unique_with: str = ""
    shown_as: str = ""
    party: str = ""
    arrays: str = ""
    can: str = "create update query read"
    required: str = ""
    numbered: bool = False
    lines: str = ""
    read_only: str = ""
    cdc: bool = True
    key: str = ""
    rows_beyond_page: int = 0
    sparse_required: str = ""
    called: str = ""
    is_wrapper: bool = False

    @property
    def path(self) -> str:
        return (self.called or self.name).lower()

    @property
    def properties(self) -> dict[str, Property]:
        return TYPES[self.name]

    def allows(self, what: str) -> bool:
        return what in self.can.split()
