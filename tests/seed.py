"""One seed for all that tests draw at random: printed by each run, and `TEST_SEED=…` repeats it."""

import os
import random

SEED = int(os.environ.setdefault("TEST_SEED", str(random.randrange(10**6))))
"""Processes that pytest starts to share its work find it in their environment."""
