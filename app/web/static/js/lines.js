// JSON lines from a text box, each an object; a line that is none is told by its number.

import { Problem } from "./api.js";

export function linesOf(text) {
  const found = [];
  text.split("\n").forEach((line, at) => {
    if (!line.trim()) return;
    try {
      found.push(JSON.parse(line));
    } catch {
      throw new Problem({ code: "malformed_json", detail: `Line ${at + 1} is no JSON: ${line.slice(0, 80)}` });
    }
  });
  return found;
}
