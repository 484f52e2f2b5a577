"""What an S3 store answers, as the errors that every store raises."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from dataplane.errors import NoRoom, NotStored, StoreTrouble, WrittenMeanwhile

LINE_BROKE = (HTTPClientError, BotoCoreError)  # while a body is read

_MISSING = ("NoSuchKey", "404")  # a HEAD has no more than the status; a missing bucket is trouble, not a missing file
_RIVAL = ("PreconditionFailed", "ConditionalRequestConflict", "412")
_FULL = ("InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "507")


@contextmanager
def told(store: str, key: str) -> Iterator[None]:
    """Raises NotStored, WrittenMeanwhile, NoRoom or StoreTrouble instead of what boto3 does."""
    try:
        yield
    except ClientError as error:
        raise _translated(error, store, key) from error
    except BotoCoreError as error:
        raise StoreTrouble(
            f"The store “{store}” does not answer ({type(error).__name__}). Look whether it runs and can be reached."
        ) from error


def _translated(error: ClientError, store: str, key: str) -> NotStored | WrittenMeanwhile | NoRoom | StoreTrouble:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _MISSING:
        return NotStored(f"{key[:120]!a} is not in the store “{store}”. It was removed outside of the portal.")
    if code in _RIVAL:
        return WrittenMeanwhile(f"{key[:120]!a} was written by somebody else meanwhile. Theirs is kept.")
    if code in _FULL:
        return NoRoom(f"The store “{store}” is full. Make room, or raise its quota.")
    if code == "NotImplemented":
        return StoreTrouble(
            f"The store “{store}” knows no conditional writes. Set its `conditional_writes` to false in "
            "LABCOURIER_STORES."
        )
    return StoreTrouble(
        f"The store “{store}” refuses ({code or 'unknown reason'}). Look at its name, bucket, keys and log."
    )
