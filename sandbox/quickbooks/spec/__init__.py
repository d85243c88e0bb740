"""What QuickBooks does with each entity, as data: one row per entity, no branches elsewhere.

Belongs here: all rows together, and finding one by name. Names, order, filterable properties, required ones and what
may be done to an entity are in `lists.py` and `transactions.py`.
"""

from sandbox.quickbooks.spec.entity import TYPES, Entity, Property
from sandbox.quickbooks.spec.lists import LISTS
from sandbox.quickbooks.spec.transactions import TRANSACTIONS

__all__ = ["BY_LOWER_NAME", "BY_NAME", "ENTITIES", "TYPES", "Entity", "Property"]

ENTITIES = (*LISTS, *TRANSACTIONS)
BY_NAME = {entity.name: entity for entity in ENTITIES}
BY_LOWER_NAME = {entity.path: entity for entity in ENTITIES}
