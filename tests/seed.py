"""One seed for all random values in tests: each run prints it, and `TEST_SEED=…` repeats it."""

import os
import random

SEED = int(os.environ.setdefault("TEST_SEED", str(random.randrange(10**6))))
"""pytest's worker processes find it in their environment."""
