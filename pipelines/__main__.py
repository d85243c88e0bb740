"""The console script. What is declared in a way that nothing can be built from is said in a sentence: it shows as soon
as the commands are loaded, before any of them could.
"""

from __future__ import annotations

import sys

from ledger.spec import SpecError

EXIT_USAGE = 2


def main() -> None:
    try:
        from pipelines.cli import app
    except SpecError as error:
        print(f"tieout: loading the definitions: {error}: correct the declaration", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    app()


if __name__ == "__main__":
    main()
