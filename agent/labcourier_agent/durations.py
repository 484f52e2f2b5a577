"""Spans of time as people write them: 90s, 15m, 12h, 14d, 2w."""

from __future__ import annotations

import re

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SHAPE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def in_seconds(text: str) -> float:
    """Errors: ValueError with a sentence."""
    match = SHAPE.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text} is no span of time: write a number and s, m, h, d or w, such as 14d.")
    return float(match[1]) * SECONDS[match[2]]


def span_in_words(seconds: float) -> str:
    """The largest unit that fits: 45 s, 3 h, 12 d."""
    for letter in ("d", "h", "m"):
        if seconds >= SECONDS[letter]:
            return f"{seconds // SECONDS[letter]:.0f} {'min' if letter == 'm' else letter}"
    return f"{max(seconds, 0):.0f} s"
