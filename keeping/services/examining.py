"""Reads a stored file again and says what is wrong with it."""

from dataclasses import dataclass

from dataplane.checksums import Digests, digest
from dataplane.errors import DataplaneError, NotStored
from dataplane.store import Store
from portal.models import DataFile
from portal.storage import file_key


@dataclass(frozen=True, slots=True)
class Finding:
    """`reason` is empty for a file that is what was verified. What could not be read is not judged."""

    reason: str = ""
    missing: bool = False
    judged: bool = True


def digests_of(file: DataFile) -> Digests:
    """As they were verified."""
    return Digests(file.size, file.sha256, file.crc32 or 0)


def examine(store: Store, file: DataFile) -> Finding:
    """Cost: reads the file once; a second time when it is not right, since memory and lines err too."""
    finding = _look(store, file)
    return _look(store, file) if finding.reason and finding.judged and not finding.missing else finding


def _look(store: Store, file: DataFile) -> Finding:
    try:
        with store.open(file_key(file.dataset, file)) as stream:
            found = digest(stream)
    except NotStored:
        return Finding("The file is gone from its store.", missing=True)
    except (DataplaneError, OSError) as error:
        return Finding(f"It cannot be read: {error}", judged=False)
    return Finding(_difference(file, found))


def _difference(file: DataFile, found: Digests) -> str:
    if found.size != file.size:
        return f"{found.size} bytes are stored, {file.size} were verified."
    if (found.sha256, found.crc32) != (file.sha256, file.crc32):
        return f"The stored bytes have the SHA-256 {found.sha256[:16]}…, verified were {file.sha256[:16]}…."
    return ""
