// Making a knowledge base.

import { callJson, doing, part } from "./api.js";

document.querySelector("[data-make]").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  doing(form, async () => {
    const made = await callJson("POST", "v1/kbs", { json: { name: form.elements.name.value.trim() } });
    location.assign(`ui/kbs/${part(made.name)}/upload`);
  });
});
