// Bytes to the portal by Uppy's tus client: some files at a time, resumed after a cut line or a closed browser.
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

// Uppy copies its whole list at every change, so it is given a few files at a time, however many were chosen.
const AT_HAND = 40;
const AT_ONCE = 5;
const PIECE = 64 * 1024 * 1024;
const RETRY_MS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 60_000];
const REALLY_GONE = [404, 410, 423];

export class Sender {
  #uppy;
  #queue = [];
  #running = false;

  // told: { progress(path, bytes), sent(path), failed(path, sentence) }
  constructor({ endpoint, dataset, headers, told }) {
    this.told = told;
    this.dataset = dataset;
    this.#uppy = new Uppy({ id: `labcourier-${dataset}`, allowMultipleUploadBatches: true });
    this.#uppy.use(Tus, {
      endpoint,
      headers,
      limit: AT_ONCE,
      chunkSize: PIECE,
      retryDelays: RETRY_MS,
      removeFingerprintOnSuccess: true,
      allowedMetaFields: ["dataset", "path", "mtime_ns"],
      onShouldRetry: (error, attempt, options, next) => isPassing(error) || next(error),
      onAfterResponse: keepFromStartingOver,
    });
    this.#uppy.on("upload-progress", (file, { bytesUploaded }) => told.progress(file.meta.path, bytesUploaded));
    this.#uppy.on("upload-success", (file) => told.sent(file.meta.path));
    this.#uppy.on("upload-error", (file, error) => told.failed(file.meta.path, sentenceOf(error)));
  }

  send(entries) {
    this.#queue.push(...entries);
    this.#run();
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    while (this.#queue.length) {
      const ids = this.#queue.splice(0, AT_HAND).map((entry) => this.#add(entry));
      await this.#uppy.upload().catch(() => {});
      for (const id of ids) this.#uppy.removeFile(id);
    }
    this.#running = false;
  }

  #add({ path, file }) {
    const mtime = String(BigInt(file.lastModified) * 1_000_000n);
    const meta = { dataset: this.dataset, path, mtime_ns: mtime, relativePath: path };
    return this.#uppy.addFile({ name: file.name, type: file.type, data: file, meta });
  }
}

// tus-js-client begins anew at byte 0 when it is told of the upload anything but that it is there. A server that is
// restarted, or a session that ran out, must not cost what was sent before.
function keepFromStartingOver(request, response) {
  const status = response.getStatus();
  if (request.getMethod() === "HEAD" && status >= 400 && !REALLY_GONE.includes(status)) {
    throw new Error(`The portal answered ${status}; asking again.`);
  }
}

function isPassing(error) {
  const status = error.originalResponse?.getStatus() ?? 0;
  return status === 0 || status >= 500 || [409, 423, 429].includes(status);
}

function sentenceOf(error) {
  try {
    return JSON.parse(error.originalResponse.getBody()).message;
  } catch {
    return "The line to the portal broke and did not come back. Choose the file again; it goes on where it stopped.";
  }
}
