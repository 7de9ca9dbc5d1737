// One run's answer: what it said, what it did, how it was scored and why.

const FINISH = { eos: "ended by itself", length: "cut at the token cap", error: "failed", unknown: null };
const FOLLOWED = { yes: ["yes", "followed"], no: ["no", "not followed"], undetermined: ["unsure", "following undetermined"] };

function answerBox(sample, answer, run) {
  const { label, model } = data.runs[run];
  const heading = label ? make("h4", {}, sideMark(run), ` ${model}`) : make("h4", {}, "Answer");
  if (!answer) return make("div", { class: "answer" }, heading, make("p", { class: "none" }, "not asked at this scale"));
  const set = data.sets[sample.set];
  return make(
    "div", { class: "answer", "data-run": run }, heading, saidBox(answer, set.language), badges(answer),
    ...alignment(answer, set), measuresTable(answer, set),
  );
}

function saidBox(answer, language) {
  if (answer.error !== null) return make("p", { class: "text warn" }, `failed: ${text(answer.error)}`);
  const said = text(answer.said);
  return said ? written(said, "text said", language) : make("p", { class: "none" }, "an empty answer");
}

function badges(answer) {
  const [kind, told] = FOLLOWED[answer.followed];
  const notes = [FINISH[answer.finish], answer.tokens === null ? null : plural(answer.tokens, "token")];
  return make(
    "div", { class: "badges" },
    make("span", { class: "badge" }, `item score ${score(answer.score)}`),
    make("span", { class: `badge ${kind}` }, told),
    make("span", { class: "badge" }, `performed: ${text(answer.performed)}`),
    ...notes.filter(Boolean).map((note) => make("span", { class: "badge" }, note)),
  );
}

const DECIMALS = { percent: 2, points: 2, fraction: 3, words: 1 };

// What tells a metric from its sister of the same name: its normalizer or phone set.
function setting(signature) {
  const part = signature.split("|").find((one) => /^(norm|phones):/.test(one));
  return part ? make("span", { class: "muted" }, ` ${part.split(":")[1]}`) : null;
}

function measuresTable(answer, set) {
  if (!answer.measures.length) return null;
  const rows = answer.measures.map(([place, status, value, read, why]) => {
    const { name, unit, better, signature, headline } = set.metrics[place];
    const number = value === null ? status : `${value.toFixed(DECIMALS[unit] ?? 3)}${unit === "percent" ? " %" : ""}`;
    const heardAs = read === null ? null : `read as “${text(read)}”`;
    return make(
      "tr", {}, make("th", { scope: "row", class: "label", title: signature }, headline ? make("strong", {}, name) : name, setting(signature), better === "lower" ? " ↓" : " ↑"),
      make("td", { class: "value" }, number), make("td", { class: "why" }, [heardAs, text(why)].filter(Boolean).join("; ")),
    );
  });
  return make("table", { "aria-label": "metrics" }, make("tbody", {}, ...rows));
}
