// Calls of the API with the key of this tab, and what comes back: JSON, HTML of a view, or a problem in words.

const KEY = "hopfact-key";

export const ownKey = () => sessionStorage.getItem(KEY);
export const useKey = (key) => (key ? sessionStorage.setItem(KEY, key) : sessionStorage.removeItem(KEY));
export const keyHeaders = () => (ownKey() ? { Authorization: `Bearer ${ownKey()}` } : {});

/** What the service refused, with its problem document. */
export class Problem extends Error {
  constructor(document) {
    super(document.detail);
    this.document = document;
  }
}

/** A call; `json` is sent as such. Throws Problem for what the service refuses, or when it cannot be reached. */
export async function call(method, path, { json, body, headers = {}, signal } = {}) {
  const sent = json === undefined ? body : JSON.stringify(json);
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  let reply;
  try {
    reply = await fetch(path, { method, body: sent, signal, headers: { ...keyHeaders(), ...type, ...headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ code: "unreachable", detail: "The service cannot be reached: is it still running?" });
  }
  if (!reply.ok && !(reply.headers.get("Content-Type") ?? "").startsWith("text/html")) {
    throw new Problem(await reply.json());
  }
  return reply;
}

export const callJson = async (method, path, options) => {
  const reply = await call(method, path, options);
  return reply.status === 204 ? null : reply.json();
};

/** A view's HTML in an element; a problem is HTML too. Gives whether it went well. */
export async function show(target, method, path, options) {
  target.setAttribute("aria-busy", "true");
  try {
    const reply = await call(method, path, options);
    target.innerHTML = await reply.text();
    htmx.process(target);
    return reply.ok;
  } catch (error) {
    if (error.name === "AbortError") return false;
    showProblem(target, error);
    return false;
  } finally {
    target.removeAttribute("aria-busy");
  }
}

/** A problem in words, where `target` is. */
export function showProblem(target, error) {
  const { detail, code, request_id: request } = error.document ?? { detail: String(error), code: "page_failed" };
  const box = document.createElement("div");
  box.className = "problem";
  box.setAttribute("role", "alert");
  box.dataset.code = code;
  const words = document.createElement("p");
  words.textContent = detail;
  const small = document.createElement("p");
  small.className = "code-line";
  small.textContent = request ? `${code} · request ${request}` : code;
  box.append(words, small);
  target.replaceChildren(box);
}

/** Run what a form or button does: problems go to the nearest place for them, the button waits meanwhile. */
export async function doing(element, work) {
  const place = element.closest("form, article, section, main")?.querySelector("[data-problem]") ?? document.querySelector("#content");
  const button = element.matches("button") ? element : element.querySelector("[type=submit]");
  place.matches("[data-problem]") && place.replaceChildren();
  if (button) button.disabled = true;
  try {
    return await work();
  } catch (error) {
    if (place.matches("[data-problem]")) showProblem(place, error);
    else toast(error.message);
  } finally {
    if (button && !button.dataset.done) button.disabled = false;
  }
}

/** A word at the foot of the page, for a moment; screen readers say it. */
export function toast(text) {
  const shown = document.createElement("p");
  shown.className = "toast";
  shown.textContent = text;
  document.querySelector("[data-toasts]").append(shown);
  setTimeout(() => shown.remove(), 5000);
}

/** A file made here, to be saved. */
export function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const part = encodeURIComponent;
export const kb = document.body.dataset.kb;
export const ofKb = (path = "") => `v1/kbs/${part(kb)}${path}`;
