// The chosen sample beside the list, or over it on a phone.

class Detail {
  constructor(list) {
    this.frame = byId("detail");
    this.list = () => list();
    this.match = null;
    this.scale = ownScale;
  }

  // Another sample; the slider stays where it is while an answer there fits what is looked for.
  show(match, open) {
    const other = this.match?.sample !== match.sample;
    this.match = match;
    const here = match.sample.answers.some((answer) => answer.scale === this.scale && answerFits(answer));
    if (!here && match.scale !== null) this.scale = match.scale;
    if (wanted.scale !== "") this.scale = wanted.scale;
    this.draw();
    if (other) this.frame.scrollTop = 0;
    if (open) this.open();
  }

  open() {
    document.body.classList.add("reading-one");
    if (getComputedStyle(this.frame).position === "fixed") this.frame.querySelector(".back")?.focus();
  }

  close() {
    document.body.classList.remove("reading-one");
    byId("list").focus({ preventScroll: true });
  }

  moveScale(by) {
    const place = scales.indexOf(this.scale) + by;
    if (this.match && place >= 0 && place < scales.length) this.setScale(scales[place]);
  }

  setScale(scale) {
    const slider = document.activeElement?.id === "scale", playing = this.playing();
    this.scale = scale;
    this.draw(playing);
    if (slider) byId("scale").focus();
  }

  playing() {
    const audio = this.frame.querySelector("audio");
    return audio && !audio.paused ? audio.closest(".sounds") : null;
  }

  draw(playing = null) {
    const { sample } = this.match;
    const answers = data.runs.map((_, run) => answerAt(sample, run, this.scale));
    const asked = answers.find(Boolean) ?? sample.answers[0];
    const instructions = [...new Set(answers.filter(Boolean).map((answer) => answer.instruction))];
    this.frame.replaceChildren(
      this.head(sample),
      playing ?? make("div", { class: "sounds" }, ...heardBy(answers.some(Boolean) ? answers : [asked])),
      make("h4", {}, "Instruction"), ...instructions.map((number) => written(text(number), "text asked")),
      ...[scaleSlider(sample, this.scale, (scale) => this.setScale(scale))].filter(Boolean),
      make("div", { class: "columns" }, ...answers.map((answer, run) => answerBox(sample, answer, run))),
      ...material(sample),
    );
  }

  head(sample) {
    const step = (by, told, sign) => make("button", { type: "button", "aria-label": told, onclick: () => this.list().move(by) }, sign);
    const set = data.sets[sample.set], variant = text(sample.variant);
    return make(
      "div", { class: "head" },
      make("button", { type: "button", class: "back", onclick: () => this.close() }, "‹ list"),
      make("div", {}, make("h3", { dir: "auto" }, text(sample.id)), make("p", { class: "muted small" }, `${setName(sample.set)} · ${set.title}${variant ? ` · ${variant}` : ""}`)),
      step(-1, "previous sample", "↑"), step(1, "next sample", "↓"),
    );
  }
}

function material(sample) {
  const parts = [];
  if (sample.references.length) {
    parts.push(make("h4", {}, sample.references.length > 1 ? "References" : "Reference"), ...sample.references.map((number) => written(text(number))));
  }
  const rows = sample.fields.map(([name, value]) => [text(name), text(value)]);
  if (sample.labels.length) rows.unshift(["labels", sample.labels.map(text).join(", ")]);
  if (rows.length) {
    parts.push(make("h4", {}, "What else is known"), make("dl", { class: "material" }, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", { class: "text", dir: "auto" }, value)])));
  }
  return parts;
}
