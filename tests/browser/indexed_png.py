"""A screenshot with a palette: a third of the size, so that a large sheet of text may lie in a repository.

Chromium writes 24 bits a pixel. Shades that nobody can tell apart become one, the most frequent of them; then a byte is
enough (PNG specification, W3C 2003, colour type 3).
"""

import struct
import zlib
from base64 import b64decode, b64encode
from pathlib import Path

from playwright.sync_api import Locator, Page

COLOURS = 256
READ = """async (picture) => {
  const image = new Image();
  image.src = picture;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const bytes = context.getImageData(0, 0, image.width, image.height).data;
  const exact = new Uint32Array(bytes.length / 4).map(
    (_, at) => (bytes[4 * at] << 16) | (bytes[4 * at + 1] << 8) | bytes[4 * at + 2]);
  const counts = new Map();
  exact.forEach((colour) => counts.set(colour, (counts.get(colour) || 0) + 1));
  const palette = [], place = new Map();
  const near = (colour) => colour & ((colour & 0xe0e0e0) === 0xe0e0e0 ? 0xf8f8f8 : 0xf0f0f0);  // the light is not white
  for (const [colour] of [...counts].sort((one, other) => other[1] - one[1])) {
    if (!place.has(near(colour))) {
      place.set(near(colour), palette.length);
      palette.push(colour);
    }
  }
  const pixels = new Uint8Array(exact.length).map((_, at) => place.get(near(exact[at])));
  const told = new FileReader();
  const whole = new Promise((resolve) => { told.onload = () => resolve(told.result); });
  told.readAsDataURL(new Blob([pixels]));
  return { width: image.width, palette, pixels: await whole };
}"""


def take_with_palette(page: Page, part: Locator, path: Path) -> None:
    """Writes a screenshot of ``part``. Its shades have to be few: at most 256 of four bits a colour."""
    shot = b64encode(part.screenshot()).decode()
    read = page.evaluate(READ, f"data:image/png;base64,{shot}")
    assert len(read["palette"]) <= COLOURS, f"{len(read['palette'])} shades are too many for a palette"
    pixels, width = b64decode(read["pixels"].partition(",")[2]), read["width"]
    rows = b"".join(b"\0" + pixels[begin : begin + width] for begin in range(0, len(pixels), width))
    head = struct.pack(">IIBBBBB", width, len(pixels) // width, 8, 3, 0, 0, 0)
    palette = b"".join(colour.to_bytes(3, "big") for colour in read["palette"])
    parts = [(b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
