// One sample across the sweep: a slider over the scales that were asked, and a stop with the answer at each.

function scaleSlider(sample, at, moved) {
  if (scales.length < 2) return null;
  const input = make("input", {
    type: "range", id: "scale", min: 0, max: scales.length - 1, step: 1, value: scales.indexOf(at),
    "aria-label": "LoRA scale", "aria-valuetext": shortScale(at),
    oninput: (event) => moved(scales[Number(event.target.value)]),
  });
  const told = make("output", { for: "scale" }, shortScale(at) + (at === ownScale ? " (own)" : ""));
  const stops = scales.map((scale) => make(
    "button", { type: "button", class: "stop", "aria-pressed": scale === at ? "true" : "false", onclick: () => moved(scale) },
    make("b", {}, `${scale}`), ...data.runs.map((_, run) => stopOf(answerAt(sample, run, scale), run)),
  ));
  return make("div", { class: "scales" }, make("label", {}, "LoRA scale", input, told), make("div", { class: "stops" }, ...stops));
}

function stopOf(answer, run) {
  const label = data.runs[run].label;
  const told = answer ? `${score(answer.score)} · ${text(answer.performed)}` : "not asked";
  return make("span", {}, label ? `${label} ${told}` : told);
}
