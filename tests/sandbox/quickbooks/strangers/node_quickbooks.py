"""Run mcohen01/node-quickbooks' own tests against the simulator; only the base URL and the credentials change.

    python -m tests.sandbox.quickbooks.strangers.node_quickbooks CHECKOUT [--company demo|FOLDER] [mocha arguments]

CHECKOUT is a clone (seen: 2.0.49) in which `npm ci --ignore-scripts` and, for its test of change data capture, which
asks for a module its own list lacks, `npm install --no-save moment` were run. The exit code is mocha's: failures.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.sandbox.quickbooks.strangers.simulator import SAMPLE_COMPANY, simulator

REDIRECT = Path(__file__).parent / "redirects" / "redirect_node_quickbooks.js"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--company", default=str(SAMPLE_COMPANY), help="demo, or a folder of captured lists")
    arguments, more = parser.parse_known_args()
    mocha = arguments.checkout / "node_modules" / ".bin" / "mocha"
    if not mocha.exists():
        parser.error(f"found no {mocha}: clone mcohen01/node-quickbooks there and run `npm ci --ignore-scripts` in it")
    with simulator(arguments.company) as running:
        command = [str(mocha.resolve()), "--require", str(REDIRECT), "--exit", *more]
        done = subprocess.run(command, cwd=arguments.checkout, env={**os.environ, **running.settings()})
        print(f"refused calls:\n{running.refused()}")
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
