"use strict";
// Events: filters, the mouse, the keyboard.
fillFilters();

let waiting = 0;
function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(() => drawList(), 120);
}

byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("input", (event) => {
  if (event.target.id === "scale" || event.target.id === "rest") {
    readSetting();
    drawList();
  } else if (event.target.id === "order" || event.target.id === "set") drawList(true);
  else soon();
});
byId("filters").addEventListener("reset", () => setTimeout(() => { resetSetting(); drawList(true); }));
byId("list").addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
addEventListener("resize", () => requestAnimationFrame(drawRows));
byId("rows").addEventListener("click", (event) => {
  const row = event.target.closest(".row");
  if (!row) return;
  choose(Number(row.dataset.at));
  if (matchMedia("(max-width: 52rem)").matches) openDetail();
});
for (const card of document.querySelectorAll("[data-set]")) {
  card.addEventListener("click", () => {
    byId("set").value = String(page.sets.findIndex((set) => setName(set) === card.dataset.set));
    drawList(true);
    byId("answers").scrollIntoView();
    byId("list").focus({ preventScroll: true });
  });
}

function play() {
  const audio = byId("detail").querySelector("audio");
  if (audio) audio.paused ? audio.play() : audio.pause();
}

function slide(step) {
  const scale = byId("scale");
  if (byId("scale-box").hidden) return;
  scale.value = String(Math.max(0, Math.min(scales.length - 1, Number(scale.value) + step)));
  readSetting();
  drawList();
}

const sight = () => Math.max(1, Math.floor(byId("list").clientHeight / ROW) - 1);
const KEYS = {
  ArrowDown: () => choose(list.at + 1),
  ArrowUp: () => choose(list.at - 1),
  PageDown: () => choose(list.at + sight()),
  PageUp: () => choose(list.at - sight()),
  Home: () => choose(0),
  End: () => choose(list.entries.length - 1),
  ArrowRight: () => slide(1),
  ArrowLeft: () => slide(-1),
  Enter: openDetail,
  " ": play,
};

byId("list").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    byId("search").focus();
  } else if (event.key === "Escape" && !(typing && typing.value && typing.type === "search")) closeDetail();
});

drawList();
