"use strict";
// Fewest edits between two lists of units, and which: the same counts as the error rates of the run.
const BETWEEN = "\x1f";
const MOST_CELLS = 4e6;

function unitsOf(packed, text) {
  if (packed === "" || packed === undefined) return text === "" ? [] : text.split(" ");
  return packed.split(BETWEEN).filter((unit) => unit !== "");
}

function align(reference, answer) {
  const n = reference.length, m = answer.length, wide = m + 1;
  if ((n + 1) * wide > MOST_CELLS) return null;
  const cost = new Uint32Array((n + 1) * wide);
  for (let j = 0; j <= m; j++) cost[j] = j;
  for (let i = 1; i <= n; i++) {
    cost[i * wide] = i;
    for (let j = 1; j <= m; j++) {
      const change = cost[(i - 1) * wide + j - 1] + (reference[i - 1] === answer[j - 1] ? 0 : 1);
      cost[i * wide + j] = Math.min(change, cost[(i - 1) * wide + j] + 1, cost[i * wide + j - 1] + 1);
    }
  }
  const steps = [];
  let i = n, j = m;
  while (i > 0 || j > 0) {
    const here = cost[i * wide + j];
    const same = i > 0 && j > 0 && reference[i - 1] === answer[j - 1];
    if (i > 0 && j > 0 && here === cost[(i - 1) * wide + j - 1] + (same ? 0 : 1)) {
      i--; j--;
      steps.push({ kind: same ? "same" : "sub", was: reference[i], now: answer[j] });
    } else if (i > 0 && here === cost[(i - 1) * wide + j] + 1) {
      i--;
      steps.push({ kind: "del", was: reference[i] });
    } else {
      j--;
      steps.push({ kind: "ins", now: answer[j] });
    }
  }
  return { edits: cost[n * wide + m], units: n, steps: steps.reverse() };
}

// The nearest of several references, the first of equals.
function nearest(entry, answer) {
  const said = unitsOf(answer.units, answer.text);
  let best = null;
  entry.references.forEach((reference, at) => {
    const found = align(unitsOf((entry.units || [])[at], reference), said);
    if (found && (best === null || found.edits < best.edits)) best = { ...found, at };
  });
  return best;
}
