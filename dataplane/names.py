"""Which file names we accept, and how two names are told apart.

A path that passes is the same on every system that later unpacks it: relative, `/` between folders, Unicode
NFC, nothing that Windows, a terminal or a mail would read as something else. A backslash is refused and not
converted: on Linux it is an ordinary character, so converting could lay two different files on one path.
"""

import re
import unicodedata

from dataplane.errors import PathRefused

PART_LIMIT = 255  # bytes of UTF-8, the limit of ext4, XFS and NTFS alike
PATH_LIMIT = 1024  # bytes of UTF-8
DEPTH_LIMIT = 64  # names in a path

_DRIVE = re.compile(r"[A-Za-z]:")
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(\..*)?", re.IGNORECASE)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def normalise_path(raw: str) -> str:
    """The path as it is stored: NFC, relative, `/` between parts.

    Raises PathRefused with a sentence that names the path, what is wrong with it and what to do.
    """
    path = unicodedata.normalize("NFC", raw)
    problem = _problem_of_path(path) or next(filter(None, map(_problem_of_part, path.split("/"))), None)
    if problem:
        raise PathRefused(f"{shown(raw)}: {problem}")
    return path


def path_key(path: str) -> str:
    """Equal for two paths that a case-insensitive file system would take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def shown(raw: str) -> str:
    """A name fit to be put into a message: quoted, escaped, shortened to 120 characters."""
    return ascii(raw) if len(raw) <= 120 else ascii(raw[:117]) + "…"


def _problem_of_path(path: str) -> str | None:
    if not path:
        return "the path is empty. Give the file a name."
    if path.startswith("/"):
        return "the path is absolute. Send it relative to the dataset, without the leading '/'."
    if "\\" in path:
        return "the path contains a backslash. Put '/' between folders and rename files that contain '\\'."
    if len(path.encode("utf-8", "surrogatepass")) > PATH_LIMIT:
        return f"the path is longer than {PATH_LIMIT} bytes. Shorten the folder or file names."
    if path.count("/") >= DEPTH_LIMIT:
        return f"the path has more than {DEPTH_LIMIT} names. Use fewer folders in each other."
    return None


def _problem_of_part(part: str) -> str | None:
    if not part:
        return "the path has an empty part ('//' or a '/' at the end). Remove the extra '/'."
    if part in (".", ".."):
        return f"the path contains '{part}'. Send the path without '.' and '..' parts."
    if any(unicodedata.category(letter) in _UNPRINTABLE or letter in _BIDI for letter in part):
        return "the name contains a control character or an invisible change of direction. Rename the file."
    if len(part.encode()) > PART_LIMIT:
        return f"a name is longer than {PART_LIMIT} bytes. Shorten it."
    return _problem_on_windows(part)


def _problem_on_windows(part: str) -> str | None:
    if _DRIVE.match(part):
        return "the path contains a drive letter. Send it relative to the dataset, without the drive."
    if part.endswith((".", " ")):
        return "a name ends with a dot or a space, which Windows drops. Rename the file or folder."
    if _DEVICE.fullmatch(part):
        return "a name is reserved by Windows for a device. Rename the file or folder."
    return None
