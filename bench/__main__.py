"""``python -m bench [--quick] [--json]``: every script, one after the other, each with a portal of its own."""

from bench import clock, downloads, uploads
from bench.command_line import run_benches

if __name__ == "__main__":
    run_benches([*uploads.MEASURES, downloads.measure, clock.measure])
