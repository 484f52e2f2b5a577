"""Secrets of a portal on one machine: made at the first start, kept beside the data, readable by its owner alone."""

import contextlib
import os
import secrets
from pathlib import Path


def local_secret(folder: Path, name: str) -> str:
    """The secret called ``name`` in ``folder``, made if there is none (safe when several processes start at once)."""
    path = folder / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):  # another process was first: then its secret is the one
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
