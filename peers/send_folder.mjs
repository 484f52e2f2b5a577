// node send_folder.mjs ENDPOINT FOLDER AT_ONCE: each file of a folder by tus-js-client, so many at a time.
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Upload } from "tus-js-client";

const [endpoint, folder, atOnce] = process.argv.slice(2);
const entries = await readdir(folder, { recursive: true, withFileTypes: true });
const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));

async function send(path) {
  const { size } = await stat(path);
  await new Promise((resolve, reject) => {
    const options = {
      endpoint,
      uploadSize: size,
      uploadDataDuringCreation: true,
      // Without a limit a stream is sent as one request; creation takes small files along.
      chunkSize: size > 0 ? size : Infinity,
      storeFingerprintForResuming: false,
      onError: reject,
      onSuccess: resolve,
    };
    new Upload(createReadStream(path, { highWaterMark: 1024 * 1024 }), options).start();
  });
}

async function sendUntilNoneIsLeft() {
  for (let path = files.pop(); path !== undefined; path = files.pop()) await send(path);
}

await Promise.all(Array.from({ length: Number(atOnce) }, sendUntilNoneIsLeft));
