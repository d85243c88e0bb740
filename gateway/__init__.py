"""The front door over HTTP: keys, health, metrics, switches, documents, conflicts. It writes to stores, never syncs.

Belongs here: what a request is and what it is answered. What it means is `resources/`: the gateway decides nothing that
the command line would decide otherwise. One module a subject; `app.py` puts them together.
"""
