// One polite live region for the whole page; base.html holds it.
export function announce(sentence) {
  const region = document.getElementById("announcer");
  if (region && sentence) region.textContent = sentence;
}
