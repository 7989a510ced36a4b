// Evaluating: questions with their answers in, the report out.

import { doing, kb, part, Problem, show } from "./api.js";
import { linesOf } from "./lines.js";

const form = document.querySelector("[data-evaluate]");
const gold = document.querySelector("#gold");
const FIELDS = ["question", "answers", "entities", "kind", "hops"];

form.addEventListener("submit", (event) => {
  event.preventDefault();
  doing(form, async () => {
    const questions = linesOf(gold.value).map((line) => Object.fromEntries(FIELDS.filter((name) => name in line).map((name) => [name, line[name]])));
    if (!questions.length) throw new Problem({ code: "invalid_body", detail: "Give at least one question with its answers." });
    await show(document.querySelector("#evaluation"), "POST", `ui/v1/kbs/${part(kb)}/evaluate`, { json: { questions } });
  });
});
document.querySelector("#gold-file").addEventListener("change", async (event) => {
  if (event.target.files[0]) gold.value = await event.target.files[0].text();
});
