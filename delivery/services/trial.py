"""A real round trip to a destination: write, read back, compare, remove."""

import tempfile
from configparser import RawConfigParser
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes, token_hex

from delivery.hosts import refuse_own_hosts
from delivery.rclone import RcloneFailed, Remote, run
from portal.errors import Invalid


def try_out(remote: Remote) -> str:
    """Raises Invalid with what went wrong. For SFTP the key that the server showed, to be demanded from now on."""
    refuse_own_hosts(remote.hosts)
    pinned = _pin_host_key(remote) if remote.options["type"] == "sftp" else ""
    if pinned:
        remote = replace(remote, options={**remote.options, "host_keys": pinned})
    probe, content = f"dest:{remote.below(f'.labcourier-{token_hex(8)}').path}", token_bytes(1000)
    _step("write a file there", "rcat", probe, remote=remote, given=content)
    try:
        found = _step("read it back", "cat", probe, remote=remote)
    finally:
        _step("remove it again", "deletefile", probe, remote=remote)
    if found != content:
        raise Invalid("A file was written there, but other bytes came back. Ask whoever runs that storage.")
    return pinned


def _pin_host_key(remote: Remote) -> str:
    """Known already, or as rclone notes it at its first connection, in a file that holds nothing else."""
    if remote.options.get("host_keys"):
        return remote.options["host_keys"]
    options = {name: value for name, value in remote.options.items() if name != "host_keys"}
    with tempfile.TemporaryDirectory(prefix="host-key-") as folder:
        config = Path(folder, "rclone.conf")
        config.write_text("[dest]\ntype = sftp\n")
        remote = replace(remote, options=options)
        _step("connect", "lsf", "dest:", "--sftp-pin-host-key", "--max-depth", "1", remote=remote, config=str(config))
        reader = RawConfigParser(interpolation=None)
        reader.read(config)
        keys = reader.get("dest", "host_keys", fallback="")
    if not keys:
        raise Invalid("The server showed no key by which it could be known again. Ask whoever runs it.")
    return keys


def _step(what: str, *arguments: str, remote: Remote, given: bytes = b"", config: str = "/dev/null") -> bytes:
    try:
        return run(*arguments, remotes={"dest": remote}, given=given, config=config)
    except RcloneFailed as error:
        raise Invalid(f"The portal could not {what}: {error}") from error
