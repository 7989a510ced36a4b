// Following a job: its server-sent events, read with the key in the header, which EventSource cannot send.

import { call, callJson, save, show, toast } from "./api.js";

/** Yield the job at each change, until it has ended. */
async function* eventsOf(id) {
  const reply = await call("GET", `v1/jobs/${id}/events`);
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data) yield JSON.parse(data);
    }
  }
}

/** Show a job in a place and keep it as it is, until it has ended; gives the job as it ended. */
export async function follow(id, place) {
  await show(place, "GET", `ui/v1/jobs/${id}`);
  let job = { state: "queued" };
  for await (const now of eventsOf(id)) {
    if (now.state !== job.state) await show(place, "GET", `ui/v1/jobs/${id}`);
    job = now;
    const { done, total, unit } = job.progress;
    const bar = place.querySelector("progress");
    if (!bar) continue;
    bar.max = total || 1;
    bar.value = done;
    place.querySelector("[data-progress-text]").textContent =
      `${done.toLocaleString("en")} of ${(total ?? 0).toLocaleString("en")} ${unit}` +
      (job.progress.triples ? `, ${job.progress.triples.toLocaleString("en")} facts` : "");
  }
  return job;
}

/** All lines that a job left out, as a file: number, reason, text. */
async function downloadRejected(id) {
  const lines = ["number\treason\ttext"];
  let cursor = 0;
  while (cursor !== null) {
    const page = await callJson("GET", `v1/jobs/${id}/rejected?limit=1000&cursor=${cursor}`);
    for (const { number, reason, text } of page.rejected) lines.push(`${number}\t${reason}\t${text}`);
    cursor = page.next_cursor;
  }
  save(`rejected-${id}.tsv`, `${lines.join("\n")}\n`);
}

document.addEventListener("click", async (event) => {
  const { cancel, downloadRejected: rejected } = event.target.closest("button")?.dataset ?? {};
  try {
    if (cancel) await callJson("DELETE", `v1/jobs/${cancel}`);
    if (rejected) await downloadRejected(rejected);
  } catch (error) {
    toast(error.message);
  }
});
