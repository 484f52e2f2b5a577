// Parts of a page that update themselves by htmx: quiet in a hidden tab, honest when the connection is lost, and
// spoken politely. An element says what to speak in `data-announce`; it is spoken when that sentence changes.
import { announce } from "./announce.js";

const spoken = new Map();

function remember() {
  for (const element of document.querySelectorAll("[data-announce]")) spoken.set(element.id, element.dataset.announce);
}

function speakChanges() {
  for (const element of document.querySelectorAll("[data-announce]")) {
    if (spoken.get(element.id) !== element.dataset.announce) announce(element.dataset.announce);
  }
  remember();
}

function showLost(lost) {
  const note = document.getElementById("connection-lost");
  if (note) note.hidden = !lost;
}

document.addEventListener("DOMContentLoaded", remember);
document.addEventListener("htmx:after:swap", speakChanges);
document.addEventListener("htmx:error", () => showLost(true));
document.addEventListener("htmx:response:error", () => showLost(true));

document.addEventListener("htmx:config:request", (event) => {
  if (document.hidden && event.detail.ctx.sourceEvent?.type === "every") event.preventDefault();
});

document.addEventListener("htmx:before:response", (event) => {
  const { raw } = event.detail.ctx.response;
  if (raw.ok) showLost(false);
  // A live part that was sent elsewhere means the session has ended: the whole page has to go to the log-in.
  if (!raw.redirected) return;
  event.preventDefault();
  window.location.reload();
});
