"""What is uploaded in the benches: files that do not compress, the same in every run."""

import hashlib
import random
from pathlib import Path

GIB = 2**30
FILES_A_FOLDER = 500


def write_random(path: Path, size: int) -> Path:
    """A file of ``size`` bytes: blocks of a SHAKE stream, different in each file of a run by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = hashlib.shake_128(path.name.encode()).digest(min(size, 2**24))
    with path.open("wb") as file:
        for start in range(0, size, len(block)):
            file.write(block[: size - start])
    return path


def write_small_files(folder: Path, count: int, sizes: tuple[int, int]) -> Path:
    """``folder`` with ``count`` different files of ``sizes`` bytes (least, most), some hundred a subfolder."""
    chance = random.Random(20_261_121)  # noqa: S311  (the same sizes each time)
    for number in range(count):
        path = folder / f"{number // FILES_A_FOLDER:04d}" / f"tile_{number:06d}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(hashlib.shake_128(str(number).encode()).digest(chance.randint(*sizes)))
    return folder
