"""A pytest plugin for a foreign checkout: python-quickbooks and intuit-oauth talk to SIMULATOR_URL, no more."""

import os

import intuitlib.config
import quickbooks.client

URL = os.environ["SIMULATOR_URL"]

quickbooks.client.QuickBooks.sandbox_api_url_v3 = f"{URL}/v3"
intuitlib.config.DISCOVERY_URL["sandbox"] = f"{URL}/.well-known/openid_sandbox_configuration/"
