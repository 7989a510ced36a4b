// Asking: the question box, the answer under an address of its own, judging it.

import { callJson, doing, kb, ofKb, part, show, toast } from "./api.js";
import { completes } from "./complete.js";
import { drawEvidence } from "./graph.js";

const form = document.querySelector("[data-ask]");
const box = document.querySelector("#question");
const answer = document.querySelector("#answer");
const suggestions = document.querySelector("#suggestions");
let asking = new AbortController();

const fit = () => {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
};

async function ask(question) {
  box.value = question;
  fit();
  asking.abort();
  asking = new AbortController();
  document.title = `${question} · ${kb} · Hopfact`;
  await show(answer, "POST", `ui/v1/kbs/${part(kb)}/answer`, { json: { question }, signal: asking.signal });
  suggestions.hidden = Boolean(answer.querySelector(".reply:not([data-abstained=true])"));
  if (!suggestions.hidden) suggest();
  drawEvidence(answer.querySelector("[data-graph]"));
}

function go(question) {
  const text = question.trim();
  if (!text) return;
  history.pushState(null, "", `ui/kbs/${part(kb)}?question=${part(text)}`);
  ask(text);
}

function suggest() {
  if (suggestions.dataset.asked) return;
  suggestions.dataset.asked = "yes";
  show(suggestions, "GET", `ui/v1/kbs/${part(kb)}/suggestions`);
}

function fromAddress() {
  const question = new URLSearchParams(location.search).get("question");
  if (question) return ask(question);
  answer.replaceChildren();
  suggestions.hidden = false;
  suggest();
}

async function judge(article, correct, answers) {
  const { question, request } = article.dataset;
  await callJson("POST", ofKb("/feedback"), { json: { question, answers, correct, request_id: request } });
  for (const button of article.querySelectorAll("[data-judge=right], [data-judge=wrong]")) {
    button.dataset.done = "yes";
    button.disabled = true;
  }
  toast("Noted: the next training of this knowledge base learns from it.");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  go(box.value);
});
box.addEventListener("input", fit);
addEventListener("resize", fit);
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.defaultPrevented || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
addEventListener("popstate", () => {
  box.value = "";
  fromAddress();
});

document.addEventListener("click", (event) => {
  const suggested = event.target.closest("a[data-question]");
  if (suggested && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    go(suggested.dataset.question);
    box.focus();
    return;
  }
  const article = event.target.closest(".reply");
  if (!article) return;
  if (event.target.closest("[data-copy-link]")) copyLink();
  const said = event.target.closest("[data-judge]")?.dataset.judge;
  const correction = article.querySelector("[data-correction]");
  if (said === "right") doing(event.target.closest("button"), () => judge(article, true, JSON.parse(article.dataset.answers)));
  if (said === "wrong") {
    correction.hidden = false;
    correction.querySelector("textarea").focus();
  }
  if (said === "cancel") correction.hidden = true;
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-correction]")) return;
  event.preventDefault();
  const article = event.target.closest(".reply");
  const lines = event.target.querySelector("textarea").value.split("\n").map((line) => line.trim());
  doing(event.target, async () => {
    await judge(article, false, lines.filter(Boolean));
    event.target.hidden = true;
  });
});

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    toast("The link is copied.");
  } catch {
    toast(location.href);
  }
}

completes(box, document.querySelector("#completions"));
fromAddress();
if (!matchMedia("(pointer: coarse)").matches) box.focus();
