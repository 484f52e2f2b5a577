"""One large file, over one connection and over eight, beside plain file servers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure
from bench.processor import processor_seconds
from bench.rounds import interleaved, medians, rounds_of
from bench.stage import Stage
from bench.upload_data import GIB, write_random
from bench.web_client import Fetched, equal_spans, fetch, fetch_at_once
from peers.caddy import caddy_before, caddy_file_server
from peers.nginx import nginx

NAME = "movie.mrc"
CONNECTIONS = 8
COMMAND = ".venv/bin/python -m bench.downloads --only file"
OURS, BEHIND_CADDY = "ours", "ours behind Caddy, as deployed"
AIM = "0.9 times the best peer"


def measure(portal: Stage, quick: bool) -> Iterator[Figure]:
    rounds = rounds_of(quick)
    size = GIB // 16 if quick else 2 * GIB
    source = write_random(portal.folder / "large" / NAME, size)
    link = portal.links(portal.send(source.parent))[0]
    with _servers(portal, link, source.parent) as servers:
        one = {name: _rate_of(size, url, pids, fetch) for name, (url, pids) in servers.items()}
        yield from _figures(interleaved(one, rounds), f"file of {size / GIB:g} GiB, one connection")
        spans = equal_spans(size, CONNECTIONS)
        many = {
            name: _rate_of(size, url, pids, lambda url: fetch_at_once(url, spans))
            for name, (url, pids) in servers.items()
        }
        yield from _figures(interleaved(many, rounds), f"file of {size / GIB:g} GiB, {CONNECTIONS} ranges at once")


@contextmanager
def _servers(portal: Stage, link: str, folder: Path) -> Iterator[dict[str, tuple[str, list[int]]]]:
    """Address of the file and the programs that serve it, by name."""
    scratch, path = portal.folder, f"{link.removeprefix(portal.url)}/files/{NAME}"
    with (
        caddy_before(portal.url, scratch / "caddy-before") as proxy,
        caddy_file_server(folder, scratch / "caddy") as caddy,
        nginx(folder, scratch / "nginx") as plain,
    ):
        yield {
            OURS: (portal.url + path, portal.pids),
            BEHIND_CADDY: (proxy.url + path, [*portal.pids, proxy.pid]),
            "Caddy file_server": (f"{caddy.url}/{NAME}", [caddy.pid]),
            "nginx": (f"{plain.url}/{NAME}", [plain.pid]),
        }


def _rate_of(size: int, url: str, pids: list[int], take: Callable[[str], Fetched]) -> Callable[[], tuple[float, float]]:
    """Takes it once: MB/s, and the server's processor seconds for each GB."""

    def run() -> tuple[float, float]:
        before = processor_seconds(*pids)
        fetched = take(url)
        spent = processor_seconds(*pids) - before
        if fetched.size != size:
            raise SystemExit(f"{url}: {fetched.size} of {size} bytes, status {fetched.status}")
        return size / fetched.seconds / 1e6, spent / size * 1e9

    return run


def _figures(seen: dict[str, list[tuple[float, float]]], name: str) -> Iterator[Figure]:
    rates, spent = medians(seen, lambda one: one[0]), medians(seen, lambda one: one[1])
    peers = [peer for peer in seen if peer not in {OURS, BEHIND_CADDY}]
    for ours, who in ((OURS, ""), (BEHIND_CADDY, ", behind Caddy")):
        beside = {peer: rates[peer] for peer in peers}
        yield Figure(f"{name}{who}", "MB/s", rates[ours], COMMAND, beside, aim=AIM)
        beside = {peer: spent[peer] for peer in peers}
        yield Figure(f"{name}{who}, servers' processor", "s/GB", spent[ours], COMMAND, beside, less_is_better=True)
