// Which samples fit what is looked for, and in which order.

const wanted = {
  words: [], set: "", scale: "", performed: "", followed: "", variant: "", change: "", low: 0, high: 1, order: "plan",
};

// Everything of a sample that can be searched, lower case; made when first looked at.
function hay(sample) {
  if (sample.hay === null) {
    const parts = [sample.id, ...sample.references, ...sample.labels, ...sample.fields.map(([, value]) => value)];
    for (const answer of sample.answers) parts.push(answer.said, answer.error, answer.instruction);
    sample.hay = [...new Set(parts)].filter((part) => part !== null).map(text).join("\n").toLowerCase();
  }
  return sample.hay;
}

function answerFits(answer) {
  if (wanted.scale !== "" && answer.scale !== wanted.scale && data.runs[answer.run].scales.length > 1) return false;
  if (wanted.performed !== "" && answer.performed !== wanted.performed) return false;
  if (wanted.followed !== "" && answer.followed !== wanted.followed) return false;
  if (wanted.low === 0 && wanted.high === 1) return true;
  return answer.score !== null && answer.score >= wanted.low && answer.score <= wanted.high;
}

function sampleFits(sample) {
  if (wanted.set !== "" && sample.set !== wanted.set) return false;
  if (wanted.variant !== "" && sample.variant !== wanted.variant) return false;
  return wanted.words.every((word) => hay(sample).includes(word));
}

// Of a sample that fits: for each run the answer to show in the list, with the gain of A over B.
function match(sample) {
  const fitting = sample.answers.filter(answerFits);
  if (!fitting.length) return null;
  const scale = wanted.scale !== "" ? wanted.scale : (fitting.find((answer) => answer.scale === ownScale) ?? fitting[0]).scale;
  const shown = data.runs.map((_, run) => answerAt(sample, run, scale));
  const [a, b] = shown;
  const gain = a && b && a.score !== null && b.score !== null ? a.score - b.score : null;
  if (!changeFits(a, b, gain)) return null;
  return { sample, shown, scale, gain, least: Math.min(...shown.map((answer) => answer?.score ?? Infinity)) };
}

function changeFits(a, b, gain) {
  switch (wanted.change) {
    case "text": return Boolean(a && b) && a.said !== b.said;
    case "better": return gain !== null && gain > 0;
    case "worse": return gain !== null && gain < 0;
    default: return true;
  }
}

const ORDERS = {
  plan: null,
  worst: (a, b) => a.least - b.least,
  best: (a, b) => (b.least === Infinity ? -1 : b.least) - (a.least === Infinity ? -1 : a.least),
  gain: (a, b) => Math.abs(b.gain ?? 0) - Math.abs(a.gain ?? 0),
};

function found() {
  const matches = [];
  for (const sample of samples) {
    const one = sampleFits(sample) ? match(sample) : null;
    if (one) matches.push(one);
  }
  const order = ORDERS[wanted.order];
  return order ? matches.sort((a, b) => order(a, b) || a.sample.place - b.sample.place) : matches;
}
