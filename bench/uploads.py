"""``python -m bench.uploads [--quick] [--json]``: all that concerns bytes coming in, each claim beside its peers."""

from bench import upload_agents, upload_large, upload_scale, upload_small, upload_watch
from bench.command_line import run_benches

MEASURES = [
    upload_large.measure,
    upload_small.measure,
    upload_scale.measure,
    upload_watch.measure,
    upload_agents.measure,
]

if __name__ == "__main__":
    run_benches(MEASURES)
