// Reference and answer unit by unit, edits marked.

const KINDS = { "=": "e", s: "s", d: "d", i: "i" };
const MOST_UNITS = 400;

// Pairs of units (null where one side has none) from runs of edits as `4=1s2d`.
function* unitsOf([reference, hypothesis, edits], gap) {
  const split = (number) => { const all = text(number); return all === "" ? [] : gap ? all.split(gap) : Array.from(all); };
  const left = split(reference), right = split(hypothesis);
  let i = 0, j = 0;
  for (const [, size, letter] of edits.matchAll(/(\d+)([=sdi])/g)) {
    for (let n = 0; n < Number(size); n++) {
      yield [KINDS[letter], letter === "i" ? null : left[i++], letter === "d" ? null : right[j++]];
    }
  }
}

function unit([kind, left, right]) {
  const told = { e: null, s: `${left} became ${right}`, d: `${left} is missing`, i: `${right} was added` }[kind];
  if (kind === "e") return make("span", { class: "unit e" }, make("i", {}, left));
  return make("span", { class: `unit ${kind}`, title: told }, make("i", {}, left ?? " "), make("i", {}, right ?? " "));
}

function alignment(answer, set) {
  if (answer.aligned === null) return [];
  const pairs = [...unitsOf(answer.aligned, set.gap)];
  if (!pairs.length) return [];
  if (pairs.every(([kind]) => kind === "e")) return [make("p", { class: "legend" }, `no edits, ${set.aligned}`)];
  const count = (kind) => pairs.filter(([found]) => found === kind).length;
  const box = make("div", { class: set.gap ? "aligned" : "aligned close", dir: "auto", lang: set.language }, ...pairs.slice(0, MOST_UNITS).map(unit));
  const parts = [make("h4", {}, "Reference above, answer below"), box];
  if (pairs.length > MOST_UNITS) {
    const more = make("button", { type: "button", class: "quiet", onclick: () => { box.append(...pairs.slice(MOST_UNITS).map(unit)); more.remove(); } }, `all ${pairs.length} units`);
    parts.push(more);
  }
  const key = (kind, told) => make("span", {}, make("span", { class: `unit ${kind}` }, make("i", {}, String(count(kind)))), ` ${told}`);
  parts.push(make("div", { class: "legend" }, key("s", "changed"), key("d", "missing"), key("i", "added"), make("span", {}, set.aligned)));
  return parts;
}
