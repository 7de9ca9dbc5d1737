// One sample across the sweep: a slider over the scales that were asked, and a stop with the answer at each.

class Scales {
  // `moved` is told of another scale; the slider itself stays, for it may be held by a finger.
  constructor(sample, moved) {
    this.input = make("input", {
      type: "range", id: "scale", min: 0, max: scales.length - 1, step: 1, "aria-label": "LoRA scale",
      oninput: () => moved(scales[Number(this.input.value)]),
    });
    this.shown = make("output", { for: "scale" });
    this.stops = scales.map((scale) => stop(sample, scale, moved));
    this.box = make(
      "div", { class: "scales" }, make("label", {}, "LoRA scale", this.input, this.shown), make("div", { class: "stops" }, ...this.stops),
    );
    this.box.hidden = scales.length < 2;
  }

  set(scale) {
    this.input.value = scales.indexOf(scale);
    this.input.setAttribute("aria-valuetext", shortScale(scale));
    this.shown.textContent = shortScale(scale) + (scale === ownScale ? " (own)" : "");
    scales.forEach((one, place) => this.stops[place].setAttribute("aria-pressed", String(one === scale)));
  }
}

function stop(sample, scale, moved) {
  const told = data.runs.map((_, run) => atStop(answerAt(sample, run, scale), run));
  return make(
    "button", { type: "button", class: "stop", "aria-label": [`scale ${scale}`, ...told].join(", "), onclick: () => moved(scale) },
    make("b", {}, `${scale}`), ...told.map((line) => make("span", {}, line)),
  );
}

function atStop(answer, run) {
  const label = data.runs[run].label;
  const found = answer ? `${score(answer.score)} · ${text(answer.performed)}` : "not asked";
  return label ? `${label} ${found}` : found;
}
