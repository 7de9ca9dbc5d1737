"use strict";
// What is chosen above the list, and which entries that leaves, in which order.
const chosen = { setting: page.default };

function option(value, text) {
  return made("option", { value, textContent: text });
}

function fillFilters() {
  byId("set").append(option("", "all"), ...page.sets.map((set, at) => option(String(at), `${setName(set)} · ${set.title}`)));
  byId("performed").append(option("", "any"), ...page.performed.map((name, at) => option(String(at), name)));
  byId("rest").append(...rests.map((rest, at) => option(String(at), rest || "as released")));
  byId("scale").max = String(scales.length - 1);
  byId("scale-box").hidden = scales.length < 2;
  byId("rest-box").hidden = rests.length < 2;
  byId("differs").querySelector("[value=runs]").hidden = page.runs.length < 2;
  byId("differs").parentElement.hidden = page.runs.length < 2 && page.settings.length < 2;
  resetSetting();
}

function resetSetting() {
  chosen.setting = page.default;
  byId("scale").value = String(scales.indexOf(page.settings[chosen.setting].scale));
  byId("rest").value = String(rests.indexOf(page.settings[chosen.setting].rest));
  byId("scale-value").textContent = tellScale();
}

function readSetting() {
  chosen.setting = settingAt(scales[Number(byId("scale").value)], rests[Number(byId("rest").value)]);
  byId("scale-value").textContent = tellScale();
}

function tellScale() {
  const { scale } = page.settings[chosen.setting];
  return scale === null ? "none" : String(scale);
}

function differs(entry, how) {
  const told = (answer) => answer.text ?? `\u0000${answer.error}`;
  if (how === "runs") return new Set(answersAt(entry, chosen.setting).filter(Boolean).map(told)).size > 1;
  return page.runs.some((_, run) => new Set(entry.answers.filter((a) => a.run === run).map(told)).size > 1);
}

const STATUS = {
  answered: (entry, answer) => !answer.error,
  failed: (entry, answer) => Boolean(answer.error),
  unscored: (entry, answer) => !answer.error && (answer.scores || []).every((value) => value === null),
};

function passes(entry, asked) {
  if (asked.set !== "" && entry.set !== Number(asked.set)) return false;
  const answers = answersAt(entry, chosen.setting).filter(Boolean);
  if (!answers.length) return false;
  const any = (test) => answers.some(test);
  if (asked.performed !== "" && !any((answer) => answer.performed === Number(asked.performed))) return false;
  if (asked.followed !== "" && !any((answer) => answer.followed === asked.followed)) return false;
  if (asked.status !== "" && !any((answer) => STATUS[asked.status](entry, answer))) return false;
  if (asked.low !== null || asked.high !== null) {
    const inside = (value) => value !== null && (asked.low === null || value >= asked.low) && (asked.high === null || value <= asked.high);
    if (!any((answer) => inside(scoreOf(entry, answer)))) return false;
  }
  if (asked.differs !== "" && !differs(entry, asked.differs)) return false;
  return asked.words.every((word) => haystack(entry).includes(word));
}

function bound(id) {
  return byId(id).value === "" ? null : Number(byId(id).value);
}

function filtered() {
  const asked = Object.fromEntries(["set", "performed", "followed", "status", "differs"].map((id) => [id, byId(id).value]));
  Object.assign(asked, { low: bound("low"), high: bound("high"), words: byId("search").value.toLowerCase().split(/\s+/).filter(Boolean) });
  const left = page.entries.filter((entry) => passes(entry, asked));
  return ordered(left, byId("order").value);
}

// Test set after test set, for their scores have no common unit; in each its own worst (or best) first, what has no
// score last. The longest answers are longest whatever was asked.
function ordered(entries, order) {
  if (order === "plan") return entries;
  const key = (entry) => {
    const first = answersAt(entry, chosen.setting).find(Boolean);
    if (order === "long") return [0, -(first.text || "").length];
    const value = scoreOf(entry, first);
    const risen = (page.sets[entry.set].better === "higher") === (order === "worst");
    return [entry.set, value === null ? Infinity : risen ? value : -value];
  };
  const sorted = entries.map((entry) => [...key(entry), entry]).sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
  return sorted.map((one) => one[2]);
}
