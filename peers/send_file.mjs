// node send_file.mjs WISHES: one file by tus-js-client; says in lines what happens ("begun ADDRESS", "at OFFSET", "done").
// WISHES is JSON: endpoint, path, headers, metadata, storage (a file that remembers uploads), options for the client.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { FileUrlStorage, Upload } from "tus-js-client";

const wishes = JSON.parse(process.argv[2]);
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`);

// A source that learns its size only at its end. The client's own one for streams never returns from a last piece that
// is not full, whatever the server.
const untilItEnds = {
  async openFile(path) {
    const file = await open(path);
    return {
      size: null,
      async slice(start, end) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
        const value = buffer.subarray(0, bytesRead);
        value.size = bytesRead;
        return { value, done: bytesRead < end - start };
      },
      close: () => file.close(),
    };
  },
};

const isDeferred = wishes.options.uploadLengthDeferred;
const upload = new Upload(isDeferred ? wishes.path : createReadStream(wishes.path), {
  endpoint: wishes.endpoint,
  headers: wishes.headers,
  metadata: wishes.metadata,
  urlStorage: new FileUrlStorage(wishes.storage),
  retryDelays: [50, 100, 200, 400],
  ...(isDeferred ? { fileReader: untilItEnds } : {}),
  ...wishes.options,
  onUploadUrlAvailable: () => say("begun", upload.url),
  onChunkComplete: (_size, accepted) => say("at", accepted),
  onSuccess: () => say("done"),
  onError: (error) => {
    say("failed", error.message);
    process.exitCode = 1;
  },
});

const known = await upload.findPreviousUploads();
if (known.length > 0) {
  say("known", known[0].uploadUrl);
  upload.resumeFromPreviousUpload(known[0]);
}
upload.start();
