// What the page shows of all that: two bars, a list that never grows beyond some rows, one sentence for those who listen.
import { announce } from "../announce.js";

const ROWS = 100;
const ORDER = { failed: 0, sending: 1, sent: 2, waiting: 3, verified: 4 };
const WORDS = {
  waiting: "waiting",
  sending: "sending",
  sent: "being checked",
  verified: "verified",
  failed: "not taken",
};
const SPOKEN_EVERY_MS = 10_000;

export class View {
  #spokenAt = 0;
  #shown = "";

  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.many = Number(root.dataset.many);
  }

  show(files) {
    const sum = files.summary();
    this.part("progress").hidden = sum.files === 0;
    this.part("many").hidden = sum.files < this.many;
    this.#bar("arrived", sum.arrivedBytes, sum.bytes, `${thin(sum.arrived)} of ${thin(sum.files)} files arrived`);
    this.#bar("verified", sum.verified, sum.files, `${thin(sum.verified)} of ${thin(sum.files)} files verified`);
    this.#rows(files.all());
    const over = sum.files > 0 && sum.verified + sum.failed === sum.files;
    this.part("finish").disabled = !(over && sum.failed === 0) && !this.root.dataset.begun;
    this.#speak(sum, over);
  }

  say(tone, sentence) {
    const note = this.part("note");
    note.className = `notice notice-${tone}`;
    note.textContent = sentence;
    note.hidden = !sentence;
    announce(sentence);
  }

  #bar(name, done, total, text) {
    const bar = this.part(`${name}-bar`);
    bar.max = Math.max(total, 1);
    bar.value = total ? done : 0;
    this.part(`${name}-text`).textContent = text;
  }

  #rows(entries) {
    const shown = entries.sort((a, b) => ORDER[a.state] - ORDER[b.state]).slice(0, ROWS);
    const hidden = entries.length - shown.length;
    // Only what has changed is drawn: a person may be reading a row, or marking its words.
    const drawn = JSON.stringify([hidden, shown.map(({ path, state, offset, reason }) => [path, state, offset, reason])]);
    if (drawn === this.#shown) return;
    this.#shown = drawn;
    this.part("rows").replaceChildren(...shown.map(rowOf));
    this.part("more").textContent = hidden > 0 ? `and ${thin(hidden)} more` : "";
  }

  #speak(sum, over) {
    const now = Date.now();
    if (!sum.files || (!over && now - this.#spokenAt < SPOKEN_EVERY_MS)) return;
    this.#spokenAt = now;
    const failed = sum.failed ? `, ${thin(sum.failed)} not taken` : "";
    announce(`${thin(sum.verified)} of ${thin(sum.files)} files verified${failed}`);
  }
}

function rowOf({ path, file, state, offset, reason }) {
  const row = document.createElement("li");
  row.className = `upload-row upload-${state}`;
  const percent = state === "sending" && file.size ? ` ${Math.floor((100 * offset) / file.size)} %` : "";
  row.append(cell("path", path), cell("figure", size(file.size)), cell("upload-state", WORDS[state] + percent));
  if (reason) row.append(cell("row-note", reason));
  return row;
}

function cell(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

// As portal/templatetags/quantities.py writes them.
function thin(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit ? value.toPrecision(3) : value}\u00a0${units[unit]}`;
}
