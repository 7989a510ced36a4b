// Stories: an example or one's own, read by a network of the literature.

import { doing, show } from "./api.js";

const form = document.querySelector("[data-read]");
const example = document.querySelector("[data-example]");
const memory = document.querySelector("#memory");
const question = document.querySelector("#read-question");

/** A line with two tabs is a triple, any other a sentence. */
function slot(line) {
  const [subject, relation, object, ...more] = line.split("\t");
  return object === undefined || more.length ? line : { subject, relation, object };
}

function read() {
  return doing(form, async () => {
    const lines = memory.value.split("\n").map((line) => line.trim()).filter(Boolean);
    await show(document.querySelector("#story"), "POST", "ui/v1/read", { json: { memory: lines.map(slot), question: question.value } });
  });
}

function take() {
  const { story, question: asked } = example.selectedOptions[0].dataset;
  memory.value = story;
  question.value = asked;
  return read();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  read();
});
example.addEventListener("change", take);
take();
