// What was chosen, and how far each file has come. States: waiting, sending, sent, verified, failed.
const SETTLED = ["verified", "failed"];

export class Files {
  #byPath = new Map();

  // Chosen anew, a file that failed gets another chance. Returns those that are new here.
  add(chosen) {
    const fresh = [];
    for (const { path, file } of chosen) {
      const known = this.#byPath.get(path);
      if (known && known.state !== "failed") continue;
      const entry = { path, file, state: "waiting", offset: 0, reason: "", sha256: "", announced: false };
      this.#byPath.set(path, entry);
      fresh.push(entry);
    }
    return fresh;
  }

  // The portal writes names in its own way (NFC), so an entry can be known by another path than it came with.
  rename(from, to) {
    const entry = this.#byPath.get(from);
    if (from === to || !entry) return;
    this.#byPath.delete(from);
    entry.path = to;
    this.#byPath.set(to, entry);
  }

  get(path) {
    return this.#byPath.get(path);
  }

  all() {
    return [...this.#byPath.values()];
  }

  unsettled() {
    return this.all().filter((entry) => !SETTLED.includes(entry.state));
  }

  summary() {
    const sum = { files: 0, bytes: 0, arrived: 0, arrivedBytes: 0, verified: 0, failed: 0 };
    for (const { file, state, offset } of this.#byPath.values()) {
      const arrived = state === "sent" || state === "verified";
      sum.files += 1;
      sum.bytes += file.size;
      sum.arrived += arrived;
      sum.arrivedBytes += arrived ? file.size : Math.min(offset, file.size);
      sum.verified += state === "verified";
      sum.failed += state === "failed";
    }
    return sum;
  }
}
