"""Steps with a mark each: what was done and checked, or what was wrong."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class StepFailed(Exception):
    """A step of the demo did not end as it should; the message says what was seen."""


def require(condition: object, sentence: str) -> None:
    """Raises StepFailed with ``sentence`` unless ``condition`` holds."""
    if not condition:
        raise StepFailed(sentence)


class Checklist:
    """Prints one line a step, as soon as it is known how it went."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        self.good, self.bad = ("✓", "✗") if utf8 else ("ok", "FAILED")

    @contextmanager
    def step(self, doing: str) -> Iterator[list[str]]:
        """Runs one step. The block may append the sentence that tells its outcome."""
        outcome: list[str] = []
        try:
            yield outcome
        except StepFailed as error:
            self._print(self.bad, f"{doing}: {error}")
            raise
        self._print(self.good, *(outcome or [doing]))

    def _print(self, mark: str, *sentences: str) -> None:
        seconds = int(time.monotonic() - self.began)
        print(f" {mark} {seconds // 60}:{seconds % 60:02}  {' '.join(sentences)}", flush=True)
