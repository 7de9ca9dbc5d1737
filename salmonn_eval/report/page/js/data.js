// The page's data: arrays from `payload.py` as objects, texts still by number until they are shown.

const data = JSON.parse(byId("data").textContent);
const texts = data.texts;
const text = (number) => (number === null ? null : texts[number]);
const shortScale = (scale) => (scale === null ? "no adapter" : `scale ${scale}`);

function answerOf(row) {
  const [run, scale, instruction, said, error, finish, followed, performed, score, tokens, sounds, read, aligned, measures] = row;
  return { run, scale, instruction, said, error, finish, followed, performed, score, tokens, sounds, read, aligned, measures };
}

const samples = data.samples.map(([set, id, variant, references, labels, fields, answers], place) => ({
  place, set, id, variant, references, labels, fields, answers: answers.map(answerOf), hay: null,
}));
data.samples = null;

const pair = data.runs.length > 1;
const scales = [...new Set(data.runs.flatMap((run) => run.scales))].sort((a, b) => a - b);
const ownScale = data.runs.map((run) => run.default).find((scale) => scales.includes(scale)) ?? scales[0] ?? null;

// The answer of a run at a scale; a run that was asked at one scale only has that answer everywhere.
function answerAt(sample, run, scale) {
  const mine = sample.answers.filter((answer) => answer.run === run);
  const exact = mine.find((answer) => answer.scale === scale);
  return exact ?? (data.runs[run].scales.length < 2 ? mine[0] : undefined);
}

const setName = (number) => `${data.sets[number].task} · ${data.sets[number].dataset}`;
const score = (value) => (value === null ? "–" : value.toFixed(2));
