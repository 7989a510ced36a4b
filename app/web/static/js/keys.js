// Keys: the one that this tab uses, making one, revoking one.

import { callJson, doing, ownKey, toast, useKey } from "./api.js";

const list = document.querySelector("#keys");
const own = document.querySelector("[data-own-key]");
const state = document.querySelector("[data-own-state]");

function tell() {
  if (ownKey()) state.textContent = `This tab uses ${ownKey().slice(0, 13)}…, until it closes.`;
}

own.addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(document.querySelector("#own-key").value.trim());
  document.querySelector("#own-key").value = "";
  tell();
  toast(ownKey() ? "This tab uses the key now." : "This tab uses no key.");
  htmx.trigger(list, "refresh");
});
own.querySelector("[data-forget]").addEventListener("click", () => {
  useKey(null);
  state.textContent = "This tab uses no key.";
  htmx.trigger(list, "refresh");
});

document.querySelector("[data-new-key]").addEventListener("submit", (event) => {
  event.preventDefault();
  const value = (id) => document.querySelector(id).value.trim();
  doing(event.target, async () => {
    const asked = { name: value("#key-name"), scope: value("#key-scope") };
    if (value("#key-kb")) asked.kb = value("#key-kb");
    if (value("#key-expiry")) asked.expires_at = new Date(`${value("#key-expiry")}T23:59:59`).toISOString();
    const made = await callJson("POST", "v1/keys", { json: asked });
    if (!ownKey()) useKey(made.key); // the service is closed from now on, for this tab too
    showOnce(made.key);
    tell();
    htmx.trigger(list, "refresh");
  });
});

function showOnce(key) {
  const box = document.createElement("div");
  box.className = "secret";
  const words = document.createElement("p");
  words.textContent = "Copy it now: it is shown this once.";
  const text = document.createElement("code");
  text.textContent = key;
  const copy = document.createElement("button");
  copy.type = "button";
  copy.textContent = "Copy";
  copy.addEventListener("click", () => navigator.clipboard.writeText(key).then(() => toast("The key is copied."), () => toast("Select it and copy it by hand.")));
  box.append(words, text, copy);
  document.querySelector("#new-key").replaceChildren(box);
}

list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-revoke]");
  if (!button || !confirm(`${button.getAttribute("aria-label")}? Who uses it is refused from now on.`)) return;
  doing(button, async () => {
    await callJson("DELETE", `v1/keys/${button.dataset.revoke}`);
    toast("The key is revoked.");
    htmx.trigger(list, "refresh");
  });
});
tell();
