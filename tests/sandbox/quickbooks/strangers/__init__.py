"""Programs nobody here wrote, run unchanged against the simulator.

Belongs here: one command per foreign suite (`python -m tests.sandbox.quickbooks.strangers.NAME CHECKOUT`) and what
sends its traffic to the simulator instead of Intuit's hosts. The programs themselves stay outside the project; none of
their code is copied. Which of their expectations are not met, and why, is in docs/sandbox-quickbooks.md.
"""
