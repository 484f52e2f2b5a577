"""``python -m bench [--quick] [--json]``: every script, one after the other, each with a portal of its own."""

from bench import slow_downloads, upload_large, upload_small, zip_download
from bench.command_line import run_benches

if __name__ == "__main__":
    run_benches([upload_large.measure, upload_small.measure, zip_download.measure, slow_downloads.measure])
