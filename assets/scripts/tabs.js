// On a narrow screen the row of tabs is longer than the window: the one we are on is moved into sight.
export function showCurrentTab() {
  const tab = document.querySelector(".tabs [aria-current]");
  const row = tab?.closest(".tabs");
  if (row) row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2 - row.offsetLeft;
}
