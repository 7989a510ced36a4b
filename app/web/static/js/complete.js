// Completing entities inside a question: what stands before the caret is looked up, the longest beginning first.

import { call, kb, part } from "./api.js";

const WAIT_MS = 120;
const LEAST = 2;

/** The beginnings of a name that may stand at the end of a text: from its last capital words, and its last word. */
function beginnings(text) {
  const capital = /(?:^|[\s"“(])((?:\p{Lu}[\p{L}\p{N}.'’-]*\s+(?:(?:of|the|de|and|von)\s+)*)*\p{Lu}[\p{L}\p{N}.'’-]*)$/u.exec(text)?.[1];
  const last = /[\p{L}\p{N}][\p{L}\p{N}.'’-]*$/u.exec(text)?.[0];
  return [...new Set([capital, last])].filter((one) => one && one.length >= LEAST);
}

/** Make a text box a combobox over the entities of this page's knowledge base. */
export function completes(box, list) {
  let waiting = 0;
  let running = new AbortController();
  let begun = "";

  const options = () => [...list.querySelectorAll("[role=option]")];
  const current = () => list.querySelector("[aria-selected=true]");
  const close = () => {
    clearTimeout(waiting);
    running.abort();
    list.hidden = true;
    list.replaceChildren();
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const select = (option) => {
    current()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
  };
  const take = (option) => {
    const caret = box.selectionStart;
    const start = caret - begun.length;
    box.setRangeText(option.dataset.label, start, caret, "end");
    close();
    box.dispatchEvent(new Event("input"));
    clearTimeout(waiting);
    box.focus();
  };

  async function lookUp() {
    running.abort();
    running = new AbortController();
    const { signal } = running;
    for (const text of beginnings(box.value.slice(0, box.selectionStart))) {
      try {
        const reply = await call("GET", `ui/v1/kbs/${part(kb)}/completions?limit=6&q=${part(text)}`, { signal });
        if (!reply.ok || signal.aborted) return;
        list.innerHTML = await reply.text();
      } catch {
        return; // a newer look-up runs, or the answer will tell what is wrong
      }
      const found = options();
      const isWhole = found.length === 1 && found[0].dataset.label.toLowerCase() === text.toLowerCase();
      if (found.length && !isWhole) {
        begun = text;
        list.hidden = false;
        box.setAttribute("aria-expanded", "true");
        return;
      }
    }
    close();
  }

  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(lookUp, WAIT_MS);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") clearTimeout(waiting);
    if (list.hidden) return;
    const all = options();
    const at = all.indexOf(current());
    if (event.key === "ArrowDown") select(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp") select(all[(at - 1 + all.length) % all.length]);
    else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) take(all[at]);
    else if (event.key === "Escape") close();
    else {
      if (event.key === "Enter") close();
      return;
    }
    event.preventDefault();
  });
  list.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    take(option);
  });
  box.addEventListener("blur", close);
}
