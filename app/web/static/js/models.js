// Training a reader on this knowledge base, letting a version answer, going back.

import { callJson, doing, ofKb, toast } from "./api.js";
import { follow } from "./follow.js";
import { linesOf } from "./lines.js";

const versions = document.querySelector("#models");

document.querySelector("[data-train]").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  doing(form, async () => {
    const questions = linesOf(form.querySelector("textarea").value);
    const job = await callJson("POST", ofKb("/train"), { json: { questions } });
    const ended = await follow(job.id, document.querySelector("#job"));
    if (ended.state === "succeeded") htmx.trigger(versions, "refresh");
  });
});

versions.addEventListener("click", (event) => {
  const button = event.target.closest("[data-activate]");
  if (!button) return;
  doing(button, async () => {
    await callJson("POST", ofKb(`/models/${button.dataset.activate}/activate`));
    toast(button.dataset.activate === "0" ? "The shipped reader answers again." : `Version ${button.dataset.activate} answers now.`);
    htmx.trigger(versions, "refresh");
  });
});
