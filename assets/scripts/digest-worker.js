// Reads a file piece by piece and answers its SHA-256 in hex. Runs beside the page, one file after the other.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

// The browser's own digest is faster but takes a file only as a whole, and only on pages sent by https.
const WHOLE = 64 * 1024 * 1024;

async function digest(file) {
  if (file.size <= WHOLE && self.crypto?.subtle) {
    return bytesToHex(new Uint8Array(await self.crypto.subtle.digest("SHA-256", await file.arrayBuffer())));
  }
  const hash = sha256.create();
  const reader = file.stream().getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) hash.update(piece.value);
  return bytesToHex(hash.digest());
}

let last = Promise.resolve();

self.onmessage = ({ data: { number, file } }) => {
  last = last.then(async () => {
    try {
      self.postMessage({ number, sha256: await digest(file) });
    } catch {
      self.postMessage({ number, error: "It cannot be read any more. Choose it again." });
    }
  });
};
