"""Run ej2/python-quickbooks' own tests/integration against the simulator; only the base URL and the credentials change.

    python -m tests.sandbox.quickbooks.strangers.python_quickbooks CHECKOUT [--company demo|FOLDER] [pytest arguments]

CHECKOUT is a clone at the version of our lock (0.9.12). Its tests were written against Intuit's sample company; by
default the company is filled from the captured lists of it kept beside the checkout of this project. The exit code is
pytest's.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.sandbox.quickbooks.strangers.simulator import SAMPLE_COMPANY, simulator

# Its tests name what they create after the time in whole seconds: they count on a create taking about a second.
SLOW_CREATES = [{"method": "POST", "path": "^/v3/company/[0-9]+/(account|customer|department)$", "delay_seconds": 1}]
REDIRECTS = Path(__file__).parent / "redirects"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--company", default=str(SAMPLE_COMPANY), help="demo, or a folder of captured lists")
    arguments, more = parser.parse_known_args()
    if not (arguments.checkout / "tests" / "integration").is_dir():
        parser.error(f"found no tests/integration in {arguments.checkout}: clone ej2/python-quickbooks there")
    with simulator(arguments.company) as running:
        running.control("POST", "faults", SLOW_CREATES)
        environment = {**os.environ, **running.settings(), "PYTHONPATH": f"{REDIRECTS}{os.pathsep}{arguments.checkout}"}
        command = [sys.executable, "-m", "pytest", "-p", "redirect_python_quickbooks", "-p", "no:cacheprovider"]
        return subprocess.run(
            [*command, "tests/integration", *more], cwd=arguments.checkout, env=environment
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
