"""What came of a stretch of work."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Files verified and found corrupt; `put_off` counts what is tried again later."""

    verified: int
    corrupt: int
    put_off: int

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.verified + other.verified, self.corrupt + other.corrupt, self.put_off + other.put_off)
