"""What can go wrong with bytes.

DataplaneError
├── PathRefused       a path that we do not store, or that would leave the root folder
├── PathTaken         a file and a folder of one dataset want the same name
├── Busy              another request writes here and did not let go in time
├── TakenOver         a newer request for this upload asked this writer to stop
├── BodyCut           the request body ended before its Content-Length, or went silent
├── ChecksumMismatch  bytes came whole but are not those that were sent; none is kept
├── NoRoom            the disk or its quota is full; what was recorded stays
├── StagingShort      fewer bytes on disk than were acknowledged: an incident
├── StagingMissing    the staging file is not there at all: lost, or a volume that is not mounted
├── SyncFailed        the disk did not confirm a flush; the upload goes back to its recorded offset
├── NotStored         no file under this key
├── StoreTrouble      the store does not answer or refuses; it may pass
├── WrittenMeanwhile  somebody else wrote this key since we looked; theirs stays
├── SourceCut         what was to be stored ended before its stated size
└── ReadBackDiffers   the store took the bytes but gives others back
"""


class DataplaneError(Exception):
    """Its text is a sentence for people: what was wrong and what to do."""


class PathRefused(DataplaneError):
    pass


class PathTaken(DataplaneError):
    pass


class Busy(DataplaneError):
    pass


class TakenOver(DataplaneError):
    pass


class BodyCut(DataplaneError):
    pass


class ChecksumMismatch(DataplaneError):
    pass


class NoRoom(DataplaneError):
    pass


class StagingShort(DataplaneError):
    pass


class StagingMissing(DataplaneError):
    pass


class SyncFailed(DataplaneError):
    pass


class NotStored(DataplaneError):
    pass


class StoreTrouble(DataplaneError):
    pass


class WrittenMeanwhile(DataplaneError):
    pass


class SourceCut(DataplaneError):
    pass


class ReadBackDiffers(DataplaneError):
    pass
