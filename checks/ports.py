"""Ports for servers that are told theirs before they start."""

import secrets
import socket

# Below those that Linux gives to whoever connects (from 32768): one that is asked for there may be somebody's line by
# the time the server is up, or while it is away in the middle of a test.
FIRST, COUNT = 10_000, 22_000


def free_port() -> int:
    """On the loopback, free until somebody asks for the same of so many."""
    while True:
        port = FIRST + secrets.randbelow(COUNT)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections are no matter
            if _binds(probe, port):
                return port


def _binds(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
