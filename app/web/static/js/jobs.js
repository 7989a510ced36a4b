// The list of jobs: those that run are followed.

import { follow } from "./follow.js";

const followed = new Set();

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "jobs") return;
  for (const job of document.querySelectorAll("[data-state=queued], [data-state=running]")) {
    const id = job.dataset.job;
    if (followed.has(id)) continue;
    followed.add(id);
    follow(id, job.closest("li")).finally(() => followed.delete(id));
  }
});
