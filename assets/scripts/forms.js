// A form that came back with errors: its summary gets the focus, so that it is read first and Tab goes on from there.
export function focusErrorSummary() {
  document.querySelector("[data-error-summary]")?.focus();
}
