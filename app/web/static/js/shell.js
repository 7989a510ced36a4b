// What every page does: the key goes with each request of htmx, the menu opens, filters come from the address.

import { keyHeaders, showProblem } from "./api.js";

document.addEventListener("htmx:configRequest", (event) => {
  const { headers, parameters, elt } = event.detail;
  Object.assign(headers, keyHeaders());
  if (!elt.matches("[data-skip-empty]")) return;
  for (const [name, value] of [...parameters.entries()]) if (value === "") parameters.delete(name);
});

document.addEventListener("htmx:sendError", (event) => {
  showProblem(event.detail.target, {
    document: { code: "unreachable", detail: "The service cannot be reached: is it still running?" },
  });
});

// Errors of the edge itself come as problem documents, not as a view.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail;
  if (!(xhr.getResponseHeader("Content-Type") ?? "").startsWith("application/problem+json")) return;
  event.detail.shouldSwap = false;
  showProblem(target, { document: JSON.parse(xhr.responseText) });
});

document.addEventListener("click", (event) => {
  const menu = event.target.closest("[data-menu]");
  if (menu) {
    const isOpen = document.querySelector("#main-nav").toggleAttribute("data-open");
    menu.setAttribute("aria-expanded", String(isOpen));
  }
  if (event.target.closest(".skip")) {
    event.preventDefault();
    document.querySelector("#content").focus();
  }
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("[hx-get]")) event.preventDefault();
});

const asked = new URLSearchParams(location.search);
for (const input of document.querySelectorAll("[data-from-address]")) input.value = asked.get(input.name) ?? "";
const showTab = () => document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
showTab();
document.fonts.ready.then(showTab);
