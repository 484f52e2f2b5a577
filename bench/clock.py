"""What goes by the clock: reminders among a million links, mails, the removal of a million files."""

from collections.abc import Iterator

from bench import clock_mail, clock_purge, clock_sweep
from bench.command_line import run_benches
from bench.figures import Figure


def measure(quick: bool) -> Iterator[Figure]:
    yield from clock_sweep.measure(quick)
    yield from clock_mail.measure(quick)
    yield from clock_purge.measure(quick)


if __name__ == "__main__":
    run_benches([measure])
