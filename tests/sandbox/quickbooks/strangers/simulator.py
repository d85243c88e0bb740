"""A simulator process for a foreign suite, with the company that suite expects.

Belongs here: starting and stopping it, filling it from a folder of captured lists, and what a foreign program must be
told (address, realm, tokens). Which suite is run how is in the module named after it.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[4]
SAMPLE_COMPANY = ROOT.parent / "shared" / "reference" / "quickbooks" / "sample_company"
START_SECONDS = 60


@dataclass(frozen=True)
class Simulator:
    """One running simulator. `url` has no path; `tokens` is what `/_sandbox/tokens` minted."""

    url: str
    tokens: dict[str, Any]

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """One call of the control API; raises HTTPError when the simulator does not take it."""
        return _control(self.url, method, name, body)

    def state(self, entity: str) -> list[dict[str, Any]]:
        """All objects of one entity, deleted stubs included, as the simulator holds them."""
        found: list[dict[str, Any]] = self.control("GET", f"state?entity={entity}").get(entity, [])
        return found

    def refused(self) -> str:
        """The calls that were not answered with status 200, a line each: where to look when a test fails."""
        calls = [call for call in self.control("GET", "log") if call["status"] != 200]
        return "\n".join(f"{call['status']} {call['method']} {call['path']}?{call['query']}" for call in calls)

    def settings(self) -> dict[str, str]:
        """The environment a redirected Python program is run with; redirects/ reads it."""
        return {
            "SIMULATOR_URL": self.url,
            "CLIENT_ID": self.tokens["client_id"],
            "CLIENT_SECRET": self.tokens["client_secret"],
            "REFRESH_TOKEN": self.tokens["refresh_token"],
            "ACCESS_TOKEN": self.tokens["access_token"],
            "COMPANY_ID": self.tokens["realm_id"],
            "OAUTHLIB_INSECURE_TRANSPORT": "1",
        }


def _control(url: str, method: str, name: str, body: Any = None) -> Any:
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(f"{url}/_sandbox/{name}", data, {"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=120) as answer:
        return json.loads(answer.read() or b"null")


@contextlib.contextmanager
def simulator(company: str) -> Iterator[Simulator]:
    """Run a simulator whose company is "demo", "empty", or a folder of lists (JSON files, their `meta` left out)."""
    seed = company if company in ("demo", "empty") else "empty"
    command = [sys.executable, "-m", "sandbox", "--erp", "quickbooks", "--port", "0", "--no-limits", "--with-parent"]
    process = subprocess.Popen([*command, "--seed", seed], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        ready = process.stdout.readline().strip()
        if not ready.startswith("listening on "):
            raise SystemExit(f"starting the simulator: found {ready!r}, expected a ready line: see its output above")
        url = ready.removeprefix("listening on ")
        if company != seed:
            for path in sorted(Path(company).glob("*.json")):
                # The texts of numbers are passed on as they are, so that their scale is kept.
                lists = json.loads(path.read_text(), parse_float=_Verbatim)
                lists.pop("meta", None)
                _control(url, "POST", "load", lists)
        yield Simulator(url, _control(url, "POST", "tokens"))
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        process.stdout.close()


class _Verbatim(float):
    """A number that is written as it was read."""

    def __new__(cls, text: str) -> "_Verbatim":
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str

    def __repr__(self) -> str:
        return self.text
