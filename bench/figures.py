"""One measured figure, and how figures are printed."""

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Figure:
    """``ours`` and ``peers`` in ``unit``. ``aim`` says in words what we want; nothing is asserted.

    ``notes`` say of a peer what no figure tells.
    """

    claim: str
    unit: str
    ours: float
    command: str
    peers: dict[str, float] = field(default_factory=dict)
    less_is_better: bool = False
    aim: str = ""
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def ratio_to_best_peer(self) -> float | None:
        """Above 1 when we are better, whichever way the unit goes; None without a peer."""
        if not self.peers:
            return None
        best = min(self.peers.values()) if self.less_is_better else max(self.peers.values())
        return round(best / self.ours if self.less_is_better else self.ours / best, 3)

    def as_json(self) -> dict[str, object]:
        row = asdict(self) | {"ratio_to_best_peer": self.ratio_to_best_peer}
        del row["less_is_better"]
        return row


def show(figures: Iterable[Figure], *, as_json: bool) -> None:
    """Prints figures as one JSON list, or as lines with the command that gives them."""
    if as_json:
        print(json.dumps([figure.as_json() for figure in figures], indent=1))
        return
    for figure in figures:
        peers = "".join(f"   {name}: {value:,.4g}" for name, value in figure.peers.items())
        ratio = f"   ratio {figure.ratio_to_best_peer}" if figure.peers else ""
        aim = f"   (aim: {figure.aim})" if figure.aim else ""
        notes = "".join(f"    {name}: {note}\n" for name, note in figure.notes.items())
        print(f"{figure.claim}: {figure.ours:,.4g} {figure.unit}{peers}{ratio}{aim}\n{notes}    {figure.command}")


def percentile(values: list[float], percent: int) -> float:
    """The value that ``percent`` of ``values`` do not exceed; at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
