"""Writing the report on a reconciliation: every form of it into the object store, and down in the list of reports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from resources.object_store import ObjectStore, open_store
from resources.reporting.figures import Report, gather
from resources.reporting.html import html
from resources.reporting.pdf import pdf
from resources.reporting.tables import as_csv, as_json
from resources.services import Services
from resources.stores import reports
from resources.stores.reports import Written

FORMS: dict[str, tuple[str, Callable[[Report], bytes]]] = {
    "pdf": ("application/pdf", pdf),
    "html": ("text/html; charset=utf-8", html),
    "json": ("application/json", as_json),
    "csv": ("text/csv; charset=utf-8", as_csv),
}


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """A report that is kept: what it says, and by format where it is."""

    report: Report
    places: dict[str, str]


def store_of(services: Services) -> ObjectStore:
    """The object store that the settings name."""
    settings = services.settings
    place = settings.reports or str(settings.home / "reports")
    return open_store(place, endpoint_url=settings.s3_endpoint_url)


def write_report(services: Services, name: str, run_id: int | None = None) -> WrittenReport:
    """Write the report on one run of a connection, the newest reconciliation if none is named.

    Written again it leaves the same objects, unless a person has owned or explained a break since: then new ones stand
    beside them. Raises TieoutError: not found without a reconciliation, else what the store said.
    """
    connection = services.connection(name)
    with services.db.transaction(connection.tenant) as tx:
        report = gather(tx, name, services.erp(connection).title, run_id)
    store = store_of(services)
    files: list[Written] = []
    places: dict[str, str] = {}
    for form, (media_type, make) in FORMS.items():
        content = make(report)
        digest = hashlib.sha256(content).hexdigest()
        key = f"{connection.tenant}/{name}/run-{report.run_id}/{digest}.{form}"
        places[form] = store.put(key, content, media_type)
        files.append(Written(report.run_id, name, form, key, digest, len(content), datetime.now(UTC)))
    with services.db.transaction(connection.tenant) as tx:
        reports.note_written(tx, tenant=connection.tenant, files=files)
    return WrittenReport(report, places)
