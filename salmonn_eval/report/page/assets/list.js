"use strict";
// A list of any length in a bounded number of rows: only what is in sight stands in the page.
const ROW = 64;
const BEYOND = 6;
const list = { entries: [], at: -1 };

function rowOf(entry, number) {
  const answers = answersAt(entry, chosen.setting);
  const first = answers.find(Boolean);
  const scores = answers.filter(Boolean).map((answer) => shown(scoreOf(entry, answer)));
  const tags = [];
  if (first.performed >= 0 && page.performed[first.performed] !== "as asked") tags.push(made("span", { className: "tag no", textContent: page.performed[first.performed] }));
  const said = first.error ? made("span", { className: "fault", textContent: `failed: ${first.error}` }) : (first.text || "(an empty answer)").replace(/\s+/g, " ").slice(0, 300);
  return made(
    "div",
    { className: "row", id: `row-${number}`, dataset: { at: String(number) }, aria: { role: "option", "aria-selected": String(number === list.at), "aria-setsize": String(list.entries.length), "aria-posinset": String(number + 1) } },
    made("span", { className: "name", textContent: `${setName(page.sets[entry.set])} · ${entry.id}` }),
    made("span", { className: "score", textContent: scores.join(" | ") }),
    made("span", { className: "said" }, ...tags, said),
  );
}

function drawRows() {
  const view = byId("list");
  const from = Math.max(0, Math.floor(view.scrollTop / ROW) - BEYOND);
  const to = Math.min(list.entries.length, Math.ceil((view.scrollTop + view.clientHeight) / ROW) + BEYOND);
  const rows = [];
  for (let number = from; number < to; number++) rows.push(rowOf(list.entries[number], number));
  byId("space").style.height = `${list.entries.length * ROW}px`;
  byId("rows").style.transform = `translateY(${from * ROW}px)`;
  byId("rows").replaceChildren(...rows);
  if (list.at >= from && list.at < to) view.setAttribute("aria-activedescendant", `row-${list.at}`);
  else view.removeAttribute("aria-activedescendant");
}

// With `anew` the first entry is chosen, else the one that was, while it is among those left.
function drawList(anew = false) {
  const kept = anew ? null : list.entries[list.at];
  list.entries = filtered();
  list.at = kept ? list.entries.indexOf(kept) : -1;
  if (list.at < 0 && list.entries.length) list.at = 0;
  byId("count").textContent = `${list.entries.length.toLocaleString("en")} of ${page.entries.length.toLocaleString("en")} items`;
  if (list.at >= 0) bringIntoSight();
  else byId("list").scrollTop = 0;
  drawRows();
  drawDetail(list.entries[list.at]);
}

function bringIntoSight() {
  const view = byId("list"), top = list.at * ROW;
  byId("space").style.height = `${list.entries.length * ROW}px`;
  if (top < view.scrollTop) view.scrollTop = top;
  else if (top + ROW > view.scrollTop + view.clientHeight) view.scrollTop = top + ROW - view.clientHeight;
}

function choose(number) {
  if (!list.entries.length) return;
  list.at = Math.max(0, Math.min(list.entries.length - 1, number));
  bringIntoSight();
  drawRows();
  drawDetail(list.entries[list.at]);
}
