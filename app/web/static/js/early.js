// What is submitted before the page's scripts are there is kept, and submitted once they are. No module, so that it is first.
(() => {
  const early = new Map();
  const keep = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    early.set(event.target, event.submitter);
  };
  document.addEventListener("submit", keep, true);
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("submit", keep, true);
    for (const [form, button] of early) form.requestSubmit(button);
  });
})();
