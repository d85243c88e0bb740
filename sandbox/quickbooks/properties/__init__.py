"""The properties of every object QuickBooks knows, in the order of its XML, from Intuit's published schema (minor
version 75).

Data only: who checks bodies against it is `bodies.py`, who writes XML from it `xml.py`. A word is `Name` and a mark
for its kind: nothing text or an enumeration, `#` number, `?` boolean, `@` date, `~` time, `>` a reference, `=`
anything, `:Type` another entry here (`:` alone when the type has the same name); `*` at the end says that it repeats.
`+name` takes over another entry.
"""

from sandbox.quickbooks.properties.lists import LISTS
from sandbox.quickbooks.properties.parts import PARTS
from sandbox.quickbooks.properties.transactions import TRANSACTIONS

SCHEMA = {**TRANSACTIONS, **LISTS, **PARTS}
