"""Programs nobody here wrote, run unchanged against the simulator.

Belongs here: one command per foreign program (`python -m tests.sandbox.xero.strangers.NAME ...`) and what sends its
traffic to the simulator instead of Xero's hosts. The programs themselves stay outside the project.
"""
