"""Which agents may still send, and which is the newest."""

from portal import __version__

AGENT_VERSION_MIN = "0.1.0"
AGENT_VERSION_LATEST = __version__  # portal and agent are made together


def is_outdated(version: str) -> bool:
    """Older than the newest; a version that is no version is."""
    return numbers(version) < numbers(AGENT_VERSION_LATEST)


def is_too_old(version: str) -> bool:
    return numbers(version) < numbers(AGENT_VERSION_MIN)


def numbers(version: str) -> tuple[int, ...]:
    """``(0, 1, 0)`` of "0.1.0" and of "0.1.0.dev3"; empty, less than any other, when it begins with no number."""
    found = []
    for part in version.split("."):
        if not (part.isascii() and part.isdigit()):
            break
        found.append(int(part))
    return tuple(found)
