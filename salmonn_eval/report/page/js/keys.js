// The keyboard: samples up and down, scales left and right, play, search, back.

function startKeys(list, detail) {
  const page = () => Math.max(1, Math.floor(list.frame.clientHeight / list.tall) - 1);
  const inList = {
    ArrowDown: () => list.move(1), ArrowUp: () => list.move(-1), PageDown: () => list.move(page()), PageUp: () => list.move(-page()),
    Home: () => list.choose(0, null), End: () => list.choose(list.matches.length - 1, null), Enter: () => detail.match && detail.open(),
    ArrowRight: () => detail.moveScale(1), ArrowLeft: () => detail.moveScale(-1),
  };
  const anywhere = { j: () => list.move(1), k: () => list.move(-1), p: () => play(detail.frame), "/": () => byId("search").focus() };
  list.frame.addEventListener("keydown", (event) => act(inList[event.key], event));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]), select, textarea");
    if (event.key === "Escape") { if (typing) list.frame.focus(); else detail.close(); return; }
    if (!typing) act(anywhere[event.key], event);
  });
}

function act(action, event) {
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  action();
}

function play(frame) {
  const audio = frame.querySelector("audio");
  if (audio) { if (audio.paused) audio.play().catch(() => {}); else audio.pause(); }
}
