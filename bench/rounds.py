"""Several ways of doing the same, each warmed up, then taking turns: what slows the machine down slows them all."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

Seen = TypeVar("Seen")


def rounds_of(quick: bool) -> int:
    """Three, of which the median counts; one where only the harness is tried."""
    return 1 if quick else 3


def interleaved(contenders: Mapping[str, Callable[[], Seen]], rounds: int) -> dict[str, list[Seen]]:
    """What each answered in each round. The warm-up, one turn of each, is not among it."""
    for take_turn in contenders.values():
        take_turn()
    seen: dict[str, list[Seen]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, take_turn in contenders.items():
            seen[name].append(take_turn())
    return seen


def medians(seen: Mapping[str, Iterable[Seen]], figure: Callable[[Seen], float]) -> dict[str, float]:
    """One figure of what was seen in the rounds, by name."""
    return {name: statistics.median(figure(one) for one in rounds) for name, rounds in seen.items()}
