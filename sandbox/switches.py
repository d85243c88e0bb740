"""Where the reference does not know what an ERP does: the strict reading by default, the other at the turn of a switch.

Belongs here: turning switches and refusing what they cannot be. The list of switches is each ERP's own subclass.
`POST /_sandbox/switches {"name": value}` turns some, `GET` shows all.
"""

import math
from typing import Any, get_args, get_type_hints


class Switchboard:
    """One class attribute per switch, its default as value.

    A switch of type Literal can be any of its values, of which the first is the default; one of type float is a number
    of 0 or more (seconds, mostly).
    """

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in get_type_hints(type(self))}

    def turn(self, changes: dict[str, Any]) -> None:
        """Turn some switches, all or none. Raises ValueError naming the switch and its values when one is unknown."""
        hints = get_type_hints(type(self))
        for name, value in changes.items():
            if name not in hints:
                raise ValueError(f"there is no switch {name!r}; there are {', '.join(sorted(hints))}")
            if hints[name] is float:
                is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
                if not is_number or not math.isfinite(value) or value < 0:
                    raise ValueError(f"switch {name} cannot be {value!r}; it can be a number of 0 or more")
                continue
            allowed = get_args(hints[name])
            if not any(value == each and type(value) is type(each) for each in allowed):
                raise ValueError(f"switch {name} cannot be {value!r}; it can be {' or '.join(map(repr, allowed))}")
        for name, value in changes.items():
            setattr(self, name, value)
