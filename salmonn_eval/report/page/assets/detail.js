"use strict";
// One item whole: what is heard, what was asked, what every run answered, and how that differs from the reference.
const BLOBS = new Map();

// A data address becomes a blob once it is played: players seek in blobs, and the page's text holds each sound once.
function address(number) {
  const { source } = page.sounds[number];
  if (!source.startsWith("data:")) return source;
  if (!BLOBS.has(number)) {
    const bytes = Uint8Array.from(atob(source.slice(source.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
    BLOBS.set(number, URL.createObjectURL(new Blob([bytes], { type: "audio/ogg" })));
  }
  return BLOBS.get(number);
}

function player(number) {
  const sound = page.sounds[number];
  if (!sound.source) return made("p", { className: "quiet", textContent: `no sound: ${sound.why}` });
  return made("audio", { controls: true, preload: "none", src: address(number), aria: { "aria-label": `what was heard, ${sound.seconds} seconds` } });
}

function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return made("dl", {}, ...told.flatMap(([name, value]) => [made("dt", { textContent: name }), made("dd", { textContent: value })]));
}

const KINDS = { sub: "substituted", del: "left out", ins: "added" };

function edits(entry, answer, what) {
  const found = nearest(entry, answer);
  if (!found) return made("p", { className: "quiet", textContent: "too long to be aligned" });
  const gap = what === "characters" ? "" : " ";
  const parts = found.steps.flatMap((step) => {
    const inside = step.kind === "sub" ? [made("s", { textContent: step.was }), "\u2009→\u2009", step.now] : [step.kind === "del" ? step.was : step.now];
    return [made("span", { className: step.kind, title: KINDS[step.kind] || "" }, ...inside), gap];
  });
  const count = (kind) => found.steps.filter((step) => step.kind === kind).length;
  const told = `${found.edits} edits to ${found.units} ${what}: ${count("sub")} substituted, ${count("del")} left out, ${count("ins")} added`;
  const which = entry.references.length > 1 ? `; nearest of ${entry.references.length} references: number ${found.at + 1}` : "";
  if (!found.edits) return made("p", { className: "quiet", textContent: `equal to the reference: ${found.units} ${what}${which}` });
  return made("div", {}, made("div", { className: gap ? "edits" : "edits tight", dataset: { edits: String(found.edits), units: String(found.units) } }, ...parts), made("p", { className: "quiet", textContent: told + which }));
}

function scoreTable(set, answer) {
  const rows = set.metrics.map((name, at) => [name, (answer.scores || [])[at], (answer.whys || [])[at] || ""]).filter(([, value, why]) => (value !== null && value !== undefined) || why);
  if (!rows.length) return null;
  return made("table", { className: "scores" }, made("tbody", {}, ...rows.map(([name, value, why]) => made("tr", {}, made("td", { textContent: name }), made("td", { textContent: shown(value) }), made("td", { textContent: why })))));
}

function answerOf(entry, answer, heading, now) {
  const set = page.sets[entry.set];
  const performed = answer.performed >= 0 ? page.performed[answer.performed] : "";
  const tags = [
    answer.followed ? made("span", { className: `tag ${answer.followed}`, textContent: `followed: ${answer.followed}` }) : null,
    performed ? made("span", { className: `tag ${performed === "as asked" ? "yes" : "no"}`, textContent: `performed: ${performed}` }) : null,
    answer.finish === "length" ? made("span", { className: "tag no", textContent: "cut at the cap" }) : null,
    answer.tokens !== undefined && answer.tokens !== null ? made("span", { className: "tag", textContent: `${answer.tokens} tokens` }) : null,
  ];
  const body = answer.error
    ? [made("p", { className: "fault text", textContent: `failed: ${answer.error}` })]
    : [
        made("p", { className: "text", textContent: answer.text === undefined || answer.text === "" ? "(an empty answer)" : answer.text }),
        set.align && entry.references.length ? edits(entry, { ...answer, text: answer.text || "" }, set.align) : null,
        scoreTable(set, answer),
      ];
  return made("div", { className: now ? "answer now" : "answer" }, made("h4", { textContent: heading }), made("div", {}, ...tags), ...body);
}

function side(entry, run) {
  const mine = entry.answers.filter((answer) => answer.run === run);
  const now = answersAt(entry, chosen.setting)[run];
  const name = (answer) => page.settings[answer.variant].name;
  const others = mine.filter((answer) => answer !== now);
  const rest = others.length ? made("details", {}, made("summary", { textContent: `all ${mine.length} settings` }), ...mine.map((answer) => answerOf(entry, answer, name(answer), answer === now))) : null;
  return made("div", {}, page.runs.length > 1 ? made("h3", { textContent: page.runs[run] }) : null, now ? answerOf(entry, now, name(now), true) : made("p", { className: "quiet", textContent: "not asked" }), rest);
}

function drawDetail(entry) {
  const detail = byId("detail");
  if (!entry) {
    detail.replaceChildren(made("p", { className: "quiet", textContent: "Nothing fits these filters." }));
    return;
  }
  const set = page.sets[entry.set];
  const now = answersAt(entry, chosen.setting).find(Boolean) || entry.answers[0];
  const asked = now ? page.instructions[now.asked] : "";
  const open = [...detail.querySelectorAll("details")].map((one) => one.open);
  detail.replaceChildren(
    made("button", { className: "back", type: "button", textContent: "← back to the list", onclick: closeDetail }),
    made("h3", { textContent: `${set.title} · ${setName(set)} · ${entry.id}` }),
    ...(entry.sounds || []).map(player),
    facts([["asked", asked], ...entry.references.map((text, at) => [entry.references.length > 1 ? `reference ${at + 1}` : "reference", text]), ["label", (entry.labels || []).join(", ")], ...Object.entries(entry.facts || {})]),
    made("div", { className: "sides" }, ...page.runs.map((_, run) => side(entry, run))),
  );
  [...detail.querySelectorAll("details")].forEach((one, at) => { one.open = Boolean(open[at]); });
}

function openDetail() {
  document.body.classList.add("open");
  byId("detail").focus();
}

function closeDetail() {
  document.body.classList.remove("open");
  byId("list").focus();
}
