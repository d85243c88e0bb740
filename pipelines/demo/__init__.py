"""`make demo`: the whole way on a machine with nothing on it, against a simulated company of each ERP.

Belongs here: the demo alone. The order of the show is `show.py`, what it needs beforehand `setting_up.py`, what people
do in the ledger `people.py`, and in an ERP the module of its name, the only one that knows its words.
"""
