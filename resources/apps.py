"""The app by which a tenant connects companies of an ERP: setting it, and finding the one for a company.

Belongs here: which values are an app's and which a connection's. Keeping one is `stores/apps.py`; sending a person to
consent with it is `consenting.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from resources.connecting import TOKENS
from resources.consent import GRANT, App
from resources.erps import erp_of
from resources.errors import ErrorKind, TieoutError
from resources.profile import ErpProfile
from resources.services import Services
from resources.stores import apps
from resources.stores.connections import Connection

# What to ask for in place of the scopes we know of; a word of OAuth, and none of a connection.
SCOPES = "scopes"


def set_app(
    services: Services, *, tenant: str, erp: str, base_url: str | None, values: Mapping[str, str], by: str
) -> None:
    """Keep the app by which a tenant connects companies of an ERP; it is what each of them is entered with.

    Takes those of a connection's values that are the app's. Raises TieoutError naming what is missing or not known.
    """
    profile = erp_of(erp)
    known = {key.name: key for key in profile.setting_keys if key.name not in (profile.company_key, *TOKENS)}
    doing = f"setting the app of {profile.title}"
    for name in values:
        if name not in known and name != SCOPES:
            raise TieoutError(
                ErrorKind.VALIDATION, doing=doing, found=f"a value {name!r}", expected=f"one of {', '.join(known)}"
            )
    for name in (profile.app_key, "client_secret"):
        if not values.get(name):
            raise TieoutError(
                ErrorKind.VALIDATION, doing=doing, found=f"no value for {name}", expected=known[name].description
            )
    public = {name: value for name, value in values.items() if name == SCOPES or not known[name].is_secret}
    with services.db.transaction(tenant) as tx:
        apps.put(
            tx,
            services.vault(tenant),
            tenant=tenant,
            erp=erp,
            base_url=base_url,
            settings=public,
            secrets={name: value for name, value in values.items() if name not in public},
            by=by,
        )


def app_of(services: Services, tenant: str, profile: ErpProfile, known: Connection | None) -> App:
    """The app by which to connect: the one that was set (`tieout apps set`), if it is of the place where the connection
    is; else the one that the connection was entered with, else that of another connection of the tenant.
    """
    vault = services.vault(tenant)
    with services.db.transaction(tenant) as tx:
        found = apps.get(tx, vault, profile.name)
    if found is not None and (known is None or known.base_url == found.base_url):
        return found
    others = [c for c in services.connections() if c.tenant == tenant and c.erp == profile.name]
    for one in [known] if known is not None else others:
        secrets_of_it = vault.all(one.name)
        if one.settings.get(profile.app_key) and secrets_of_it.get("client_secret"):
            app_wide = {key: value for key, value in one.settings.items() if key not in (profile.company_key, GRANT)}
            return App(profile.name, one.base_url, app_wide, {"client_secret": secrets_of_it["client_secret"]})
    raise TieoutError(
        ErrorKind.VALIDATION,
        doing=f"connecting to {profile.title}",
        found="no app of yours, and no connection that has one",
        expected=f"the app that is registered with {profile.title}",
        next_step=f"tieout apps set {profile.name} --set {profile.app_key}=... --set client_secret=...",
    )
