"""How often each fault is made: as `make test` can afford it, or as `make campaign` demands it."""

import os

CAMPAIGN = os.environ.get("LABCOURIER_CAMPAIGN") == "1"


def times(test: int, campaign: int) -> int:
    return campaign if CAMPAIGN else test
