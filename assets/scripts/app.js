import "htmx.org";
import "./live.js";
import { startCopyButtons } from "./copy.js";
import { focusErrorSummary } from "./forms.js";
import { startMenus } from "./menus.js";
import { showCurrentTab } from "./tabs.js";
import { startTimes } from "./times.js";

startCopyButtons(document);
startMenus();
startTimes();
showCurrentTab();
focusErrorSummary();
document.addEventListener("htmx:after:swap", () => startCopyButtons(document));
