"""The records of a zip, as bytes (PKWARE APPNOTE 6.3.10; the time field 0x5455 of Info-ZIP's extrafld.txt).

Every entry is stored, its size and CRC-32 are known beforehand, its name is UTF-8 and its time is given twice:
in the old DOS field (UTC, two seconds) and as seconds since 1970. ZIP64 fields appear exactly where a 32-bit
field is too small.
"""

import struct
from datetime import date
from functools import lru_cache

FULL_32 = 0xFFFFFFFF
FULL_16 = 0xFFFF
LATEST_TIME = 0x7FFFFFFF  # the extra field holds a signed 32-bit number

_EARLIEST_TIME = 315_532_800  # the first second of 1980
_DAYS_BEFORE_1970 = date(1970, 1, 1).toordinal()
_UTF8_NAME = 0x0800
_UNIX_FILE = 0o100644 << 16
_MADE_BY_UNIX = 3 << 8
_STORED, _STORED_ZIP64 = 20, 45  # the version a reader needs
_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_TIME = struct.Struct("<HHBI")
_END64 = struct.Struct("<IQHHIIQQQQ")
_LOCATOR64 = struct.Struct("<IIQI")
_END = struct.Struct("<IHHHHIIH")


def local_header_size(name_size: int, size: int) -> int:
    return _LOCAL.size + name_size + _TIME.size + (20 if size >= FULL_32 else 0)


def central_header_size(name_size: int, size: int, offset: int) -> int:
    wide = (16 if size >= FULL_32 else 0) + (8 if offset >= FULL_32 else 0)
    return _CENTRAL.size + name_size + _TIME.size + (4 + wide if wide else 0)


def local_header(name: bytes, size: int, crc32: int, mtime: int) -> bytes:
    extra = _time_field(mtime)
    if size >= FULL_32:
        extra += struct.pack("<HHQQ", 1, 16, size, size)
    size_32 = min(size, FULL_32)
    day, second = _dos_time(mtime)
    header = _LOCAL.pack(
        0x04034B50, _version(size), _UTF8_NAME, 0, second, day, crc32, size_32, size_32, len(name), len(extra)
    )
    return header + name + extra


def central_header(name: bytes, size: int, crc32: int, mtime: int, offset: int) -> bytes:
    wide = (struct.pack("<QQ", size, size) if size >= FULL_32 else b"") + (
        struct.pack("<Q", offset) if offset >= FULL_32 else b""
    )
    extra = _time_field(mtime) + (struct.pack("<HH", 1, len(wide)) + wide if wide else b"")
    needs, size_32 = _version(max(size, offset)), min(size, FULL_32)
    day, second = _dos_time(mtime)
    header = _CENTRAL.pack(
        0x02014B50, _MADE_BY_UNIX | needs, needs, _UTF8_NAME, 0, second, day, crc32, size_32, size_32,
        len(name), len(extra), 0, 0, 0, _UNIX_FILE, min(offset, FULL_32),
    )  # fmt: skip
    return header + name + extra


def end_records(count: int, directory_start: int, directory_size: int) -> bytes:
    """What follows the central directory; with the ZIP64 records when the old one cannot say it."""
    end64 = b""
    if count >= FULL_16 or directory_start >= FULL_32 or directory_size >= FULL_32:
        end64 = _END64.pack(
            0x06064B50, _END64.size - 12, _MADE_BY_UNIX | _STORED_ZIP64, _STORED_ZIP64, 0, 0,
            count, count, directory_size, directory_start,
        )  # fmt: skip
        end64 += _LOCATOR64.pack(0x07064B50, 0, directory_start + directory_size, 1)
    count_16 = min(count, FULL_16)
    sizes = min(directory_size, FULL_32), min(directory_start, FULL_32)
    return end64 + _END.pack(0x06054B50, 0, 0, count_16, count_16, *sizes, 0)


def _version(number: int) -> int:
    return _STORED_ZIP64 if number >= FULL_32 else _STORED


def _time_field(mtime: int) -> bytes:
    return _TIME.pack(0x5455, 5, 1, mtime)


def _dos_time(mtime: int) -> tuple[int, int]:
    """Day and second in DOS's own packing; nothing before 1980."""
    days, seconds = divmod(max(mtime, _EARLIEST_TIME), 86_400)
    minutes = seconds // 60
    return _dos_day(days), minutes // 60 << 11 | minutes % 60 << 5 | seconds % 60 // 2


@lru_cache(maxsize=1000)  # the files of a dataset are of few days
def _dos_day(days: int) -> int:
    then = date.fromordinal(_DAYS_BEFORE_1970 + days)
    return (then.year - 1980) << 9 | then.month << 5 | then.day
