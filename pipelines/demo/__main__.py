"""`python -m pipelines.demo`."""

import sys

from pipelines.demo.show import main

sys.exit(main())
