r"""What a file of a dataset is called here: inside the folder it was asked into, whatever the portal says.

Where the system cannot write a character (on Windows `: * ? " < > |`, a dot or blank at the end, names of devices), it
is written as `%3A`, and a `%` that would look like one as `%25`: so two names never become one.
"""

from __future__ import annotations

import re
import sys

from labcourier_agent.exits import Invalid

ON_WINDOWS = sys.platform == "win32"
NOT_THERE = re.compile(r'[<>:"|?*\x00-\x1f]|[. ](?=$)|%(?=[0-9A-F]{2})')
DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(?:\..*)?", re.IGNORECASE)


def local_name(path: str, *, windows: bool = ON_WINDOWS) -> str:
    """The path below the folder, with `/`. Errors: Invalid for one that could lead out of it."""
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts) or (windows and "\\" in path):
        raise Invalid(f"The portal names a file {path!a}, which cannot be written here. Ask the facility.")
    return "/".join(map(_on_windows, parts)) if windows else path


def _on_windows(part: str) -> str:
    written = NOT_THERE.sub(lambda match: _escaped(match[0]), part)
    return _escaped(written[0]) + written[1:] if DEVICE.fullmatch(written) else written


def _escaped(letter: str) -> str:
    return f"%{ord(letter):02X}"
