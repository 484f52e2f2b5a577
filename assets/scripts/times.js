// Times come from the server in UTC, or in the zone the person has set. `data-zone="browser"` marks the first kind:
// they are rewritten in the browser's zone. Relative parts are kept up to date. Words match portal/templatetags/times.py.
const MINUTE_MS = 60_000;
const UNITS = [
  ["minute", 60],
  ["hour", 3600],
  ["day", 86_400],
];

const PARTS = new Intl.DateTimeFormat("en-GB", {
  weekday: "long", day: "numeric", month: "long", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short",
});

// Put together here, since browsers disagree about commas and about "Sept".
const FORMATS = {
  minute: (p) => `${p.day} ${p.month.slice(0, 3)} ${p.year}, ${p.hour}:${p.minute}`,
  second: (p) => `${FORMATS.minute(p)}:${p.second} ${p.timeZoneName}`,
  day: (p) => `${p.weekday} ${p.day} ${p.month} ${p.year}`,
};

function format(kind, when) {
  return FORMATS[kind](Object.fromEntries(PARTS.formatToParts(when).map(({ type, value }) => [type, value])));
}

function relative(seconds) {
  const past = seconds < 0;
  const size = Math.abs(seconds);
  if (size < 60) return past ? "just now" : "in less than a minute";
  const [unit, length] = UNITS.findLast(([, unitLength]) => size >= unitLength);
  const count = Math.floor(size / length);
  const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return past ? `${words} ago` : `in ${words}`;
}

function show(element) {
  const when = new Date(element.dateTime);
  const absolute = element.querySelector("[data-absolute]");
  if (element.dataset.zone === "browser") {
    element.title = format("second", when);
    if (absolute) absolute.textContent = format(absolute.dataset.absolute, when);
  }
  const ago = element.querySelector("[data-relative]");
  if (ago) ago.textContent = relative((when - Date.now()) / 1000);
}

function showAll() {
  document.querySelectorAll("time[data-zone]").forEach(show);
}

export function startTimes() {
  showAll();
  setInterval(showAll, MINUTE_MS);
  document.addEventListener("htmx:after:swap", showAll);
}
