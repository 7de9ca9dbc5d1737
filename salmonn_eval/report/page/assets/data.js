"use strict";
// The page's data, and questions to it. Text of the data only ever becomes text of the page, never markup.
const page = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

function made(tag, given = {}, ...inside) {
  const { dataset, aria, ...rest } = given;
  const node = Object.assign(document.createElement(tag), rest);
  Object.assign(node.dataset, dataset || {});
  for (const [name, value] of Object.entries(aria || {})) node.setAttribute(name, value);
  node.append(...inside.filter((part) => part !== null && part !== undefined));
  return node;
}

const setName = (set) => `${set.task}:${set.dataset}`;
const scales = [...new Set(page.settings.map((setting) => setting.scale))].sort((a, b) => a - b);
const rests = [...new Set(page.settings.map((setting) => setting.rest))];

// The variant of this scale and wording; where that was not asked, the nearest thing that was.
function settingAt(scale, rest) {
  const exact = page.settings.findIndex((setting) => setting.scale === scale && setting.rest === rest);
  return exact >= 0 ? exact : page.settings.findIndex((setting) => setting.rest === rest);
}

// What each run answered to an entry under a variant; a run that was not asked under it is shown under its only one.
function answersAt(entry, setting) {
  return page.runs.map((_, run) => {
    const mine = entry.answers.filter((answer) => answer.run === run);
    return mine.find((answer) => answer.variant === setting) || (mine.length === 1 ? mine[0] : null);
  });
}

function scoreOf(entry, answer) {
  const at = page.sets[entry.set].score;
  const value = answer && at >= 0 ? (answer.scores || [])[at] : null;
  return value === undefined ? null : value;
}

const shown = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(4))));

function haystack(entry) {
  if (entry.hay === undefined) {
    const texts = entry.answers.flatMap((answer) => [answer.text || "", answer.error || ""]);
    entry.hay = [entry.id, ...(entry.references || []), ...(entry.labels || []), ...Object.values(entry.facts || {}), ...texts].join("\n").toLowerCase();
  }
  return entry.hay;
}

for (const entry of page.entries) {
  entry.references = entry.references || [];
  entry.answers = entry.answers || [];
}
