"""Seconds since 1970 that never jump: the computer's clock is read once, at the start, and then only counted on.

Instrument PCs have their clocks moved, by hand and by the network, backwards too. Times that decide something are
taken from here; what an earlier process wrote into the journal is set anew at a start (`Ledger.resume`).
"""

from __future__ import annotations

import time

_OFFSET = time.time() - time.monotonic()


def steady_now() -> float:
    return time.monotonic() + _OFFSET
