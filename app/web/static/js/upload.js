// Uploading: a file dropped or chosen, or lines pasted; a look at the beginning, sending, the job.

import { doing, keyHeaders, ofKb, Problem, show } from "./api.js";
import { follow } from "./follow.js";

const LOOKED_AT = 128 * 1024;
const TYPES = { tsv: "text/tab-separated-values", csv: "text/csv", jsonl: "application/x-ndjson", ndjson: "application/x-ndjson", nt: "application/n-triples", ttl: "text/turtle" };
const PACKED = { gz: "gzip", zst: "zstd" };

const form = document.querySelector("[data-upload]");
const drop = document.querySelector("[data-drop]");
const chosen = document.querySelector("#file");
const pasted = document.querySelector("#pasted");
const format = document.querySelector("#format");
const preview = document.querySelector("#preview");
const send = document.querySelector("[data-send]");
let upload = null;
let looking = 0;

function take(file) {
  const ends = file.name.toLowerCase().split(".").slice(1);
  const packing = PACKED[ends.at(-1)] ?? null;
  if (packing) ends.pop();
  format.value = TYPES[ends.at(-1)] ?? format.value;
  upload = { body: file, packing };
  pasted.value = "";
  document.querySelector("[data-file-name]").textContent = `${file.name}, ${file.size.toLocaleString("en")} bytes`;
  look();
}

/** The beginning of what is to be sent, unpacked, and cut where a line or statement ends. */
async function beginning() {
  let { body, packing } = upload;
  if (packing === "zstd") return null;
  if (packing === "gzip") body = await unpackedBeginning(body);
  const text = await body.slice(0, LOOKED_AT).text();
  if (body.size <= LOOKED_AT && packing === null) return text;
  const end = format.value === "text/turtle" ? text.lastIndexOf(".\n") + 2 : text.lastIndexOf("\n") + 1;
  return end > 1 ? text.slice(0, end) : text;
}

async function unpackedBeginning(body) {
  const reader = body.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const chunks = [];
  let size = 0;
  while (size < LOOKED_AT) {
    const { value, done } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  reader.cancel().catch(() => {});
  return new Blob(chunks);
}

async function look() {
  send.disabled = upload === null;
  if (upload === null) return preview.replaceChildren();
  let text;
  try {
    text = await beginning();
  } catch {
    text = ""; // no gzip: the service will say so better
  }
  if (text === null) return void (preview.textContent = "No look inside zstd from here: the service will read it.");
  await show(preview, "POST", "ui/v1/preview", { body: text, headers: { "Content-Type": format.value } });
}

/** Send the body and give the job; `XMLHttpRequest`, for only that tells how much was sent. */
function sent(place) {
  const query = new URLSearchParams({ on_error: document.querySelector("#on-error").value });
  const source = document.querySelector("#source").value.trim();
  if (source) query.set("source", source);
  place.innerHTML = '<div class="card"><p class="help">Sending…</p><progress max="1" value="0" aria-label="Sent"></progress></div>';
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${ofKb("/triples")}?${query}`);
    const headers = { ...keyHeaders(), "Content-Type": format.value, ...(upload.packing && { "Content-Encoding": upload.packing }) };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => (place.querySelector("progress").value = event.loaded / (event.total || 1));
    request.onerror = () => reject(new Problem({ code: "unreachable", detail: "The service cannot be reached: is it still running?" }));
    request.onload = () => {
      const reply = JSON.parse(request.responseText);
      if (request.status === 202) resolve(reply);
      else reject(new Problem(reply));
    };
    request.send(upload.body);
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const place = document.querySelector("#job");
  doing(form, async () => {
    try {
      const job = await sent(place);
      place.innerHTML = '<div class="card"></div>';
      await follow(job.id, place.firstElementChild);
    } catch (error) {
      place.replaceChildren();
      throw error;
    }
  });
});
chosen.addEventListener("change", () => chosen.files[0] && take(chosen.files[0]));
format.addEventListener("change", look);
pasted.addEventListener("input", () => {
  clearTimeout(looking);
  upload = pasted.value.trim() ? { body: new Blob([pasted.value]), packing: null } : null;
  document.querySelector("[data-file-name]").textContent = "Or paste lines below.";
  looking = setTimeout(look, 200);
});
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.dataset.over = "";
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => delete drop.dataset.over);
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
});
