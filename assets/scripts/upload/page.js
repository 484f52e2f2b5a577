// Brings the parts together: what is chosen is announced, sent and digested side by side, then asked about until verified.
import { watchChoosing } from "./choosing.js";
import { Digests } from "./digests.js";
import { Files } from "./files.js";
import { Portal, Refusal } from "./portal.js";
import { Sender } from "./sender.js";
import { View } from "./view.js";

const BATCH = 500;
const SHOW_MS = 400;
const STATE_MS = 1000;
const ASK_MS = 2000;
const ANYWAY_MS = 20_000;

export class UploadPage {
  #files = new Files();
  #toState = [];
  #verifiedThere = -1;
  #askedAt = 0;
  #announcing = Promise.resolve();

  constructor(root) {
    const { api, tus, dataset, drop, worker } = root.dataset;
    const csrf = () => root.querySelector("[name=csrfmiddlewaretoken]").value;
    this.root = root;
    this.view = new View(root);
    this.portal = new Portal({ api, dataset, csrf, drop });
    this.digests = new Digests(worker);
    this.sender = new Sender({ endpoint: tus, dataset, headers: this.portal.headers, told: this.#told() });
  }

  start() {
    this.root.hidden = false;
    watchChoosing(this.root, (chosen) => this.#take(chosen));
    this.view.part("finish").addEventListener("click", () => this.#finish());
    window.addEventListener("beforeunload", (event) => {
      if (this.#files.unsettled().length) event.preventDefault();
    });
    setInterval(() => this.view.show(this.#files), SHOW_MS);
    setInterval(() => this.#stateDigests(), STATE_MS);
    setInterval(() => this.#ask(), ASK_MS);
  }

  #take(chosen) {
    const fresh = this.#files.add(chosen);
    for (let start = 0; start < fresh.length; start += BATCH) {
      const batch = fresh.slice(start, start + BATCH);
      this.#announcing = this.#announcing.then(() => this.#announce(batch));
    }
  }

  // With one bad name the portal takes none of a batch: the named ones are told, the others are said again.
  async #announce(batch) {
    if (!batch.length) return;
    try {
      const answer = await this.portal.announce(batch.map(wishOf));
      this.#begin(batch, answer.files);
    } catch (error) {
      const named = new Map((error.detail?.files ?? []).map(({ path, message }) => [path, message]));
      const refused = batch.filter(({ path }) => named.has(path));
      for (const entry of refused) fail(entry, named.get(entry.path));
      if (refused.length) return this.#announce(batch.filter((entry) => !refused.includes(entry)));
      for (const entry of batch) fail(entry, error.message);
      this.view.say("bad", error.message);
    }
  }

  #begin(batch, answers) {
    const bySentPath = new Map(answers.map((answer) => [answer.sent_path, answer]));
    const toSend = [];
    for (const entry of batch) {
      const known = bySentPath.get(entry.path);
      this.#files.rename(entry.path, known.path);
      entry.announced = true;
      if (known.state === "verified" || known.state === "received") entry.state = "sent";
      else toSend.push(entry);
      this.digests.of(entry.file).then(
        (sha256) => this.#toState.push(Object.assign(entry, { sha256 })),
        (error) => fail(entry, error.message),
      );
    }
    this.sender.send(toSend);
  }

  #told() {
    return {
      progress: (path, offset) => Object.assign(this.#files.get(path), { state: "sending", offset }),
      sent: (path) => Object.assign(this.#files.get(path), { state: "sent" }),
      failed: (path, sentence) => fail(this.#files.get(path), sentence),
    };
  }

  async #stateDigests() {
    const batch = this.#toState.splice(0, BATCH);
    if (!batch.length) return;
    try {
      await this.portal.announce(batch.map(wishOf));
    } catch (error) {
      if (isFinal(error)) for (const entry of batch) fail(entry, error.message);
      else this.#toState.unshift(...batch);
    }
  }

  // The counts first; single files only when the counts have moved, or now and then.
  async #ask() {
    const waiting = this.#files.unsettled().filter(({ sha256, state }) => sha256 && state === "sent");
    if (!waiting.length) return;
    try {
      const { counts } = await this.portal.counts();
      const moved = counts.verified + counts.corrupt !== this.#verifiedThere;
      if (!moved && Date.now() - this.#askedAt < ANYWAY_MS) return;
      this.#verifiedThere = counts.verified + counts.corrupt;
      this.#askedAt = Date.now();
      for (let start = 0; start < waiting.length; start += BATCH) {
        this.#settle(await this.portal.query(waiting.slice(start, start + BATCH).map(({ path }) => path)));
      }
      this.view.say("ok", "");
    } catch (error) {
      this.view.say("warn", isFinal(error) ? error.message : "The portal does not answer just now. Trying again.");
    }
  }

  #settle({ files }) {
    for (const { path, state, sha256, reason } of files) {
      const entry = this.#files.get(path);
      if (state === "verified" && sha256 === entry.sha256) entry.state = "verified";
      if (state === "corrupt") fail(entry, `${reason} Choose it again.`);
    }
  }

  async #finish() {
    const button = this.view.part("finish");
    button.disabled = true;
    try {
      await this.portal.close();
    } catch (error) {
      if (error.code !== "already_closed") {
        this.view.say("bad", error.message);
        button.disabled = false;
        return;
      }
    }
    window.location.assign(this.root.dataset.done);
  }
}

function wishOf({ path, file, sha256 }) {
  // Milliseconds are all that a browser tells; as a number they would not fit in JSON's exact range.
  return { path, size: file.size, ...(sha256 ? { sha256 } : {}) };
}

function fail(entry, reason) {
  if (entry) Object.assign(entry, { state: "failed", reason });
}

function isFinal(error) {
  return error instanceof Refusal && error.status < 500 && ![401, 409, 423, 429].includes(error.status);
}
