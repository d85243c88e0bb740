"""tap-quickbooks' command with its endpoint constants set to SIMULATOR_URL; nothing else changes."""

import os

import tap_quickbooks
from tap_quickbooks import client

URL = os.environ["SIMULATOR_URL"]

client.PROD_ENDPOINT_BASE = client.SANDBOX_ENDPOINT_BASE = URL
client.TOKEN_REFRESH_URL = f"{URL}/oauth2/v1/tokens/bearer"

tap_quickbooks.main()
