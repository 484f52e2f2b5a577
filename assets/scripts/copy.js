import { announce } from "./announce.js";

const SHOWN_MS = 2000;

// Buttons come hidden: without script, or without the clipboard (plain http), the text is selected by one click.
export function startCopyButtons(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", () => copyTextOf(button));
  }
}

async function copyTextOf(button) {
  const label = button.querySelector("[data-copy-label]");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Select it and press Ctrl+C";
  }
  announce(label.textContent);
  button.disabled = true;
  setTimeout(() => {
    label.textContent = before;
    button.disabled = false;
  }, SHOWN_MS);
}
