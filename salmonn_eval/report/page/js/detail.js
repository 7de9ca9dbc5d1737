// The chosen sample beside the list, or over it on a phone.

class Detail {
  constructor(list) {
    this.frame = byId("detail");
    this.list = () => list();
    this.match = null;
    this.scale = ownScale;
    this.heardOf = null;
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

  close(focus = true) {
    document.body.classList.remove("reading-one");
    if (focus) byId("list").focus({ preventScroll: true });
  }

  moveScale(by) {
    const place = scales.indexOf(this.scale) + by;
    if (this.match && place >= 0 && place < scales.length) this.setScale(scales[place]);
  }

  setScale(scale) {
    this.scale = scale;
    this.update();
  }

  empty() {
    this.match = this.heardOf = null;
    this.frame.replaceChildren();
    this.close(false);
  }

  // The frame of a sample, in which `update` puts what depends on the scale.
  draw() {
    const { sample } = this.match;
    const focused = this.focused();
    this.players = make("div", { class: "sounds" });
    this.asked = make("div");
    this.scales = new Scales(sample, (scale) => this.setScale(scale));
    this.columns = make("div", { class: "columns" });
    this.frame.replaceChildren(
      this.head(sample), this.players, make("h4", {}, "Instruction"), this.asked, this.scales.box, this.columns, ...material(sample),
    );
    this.heardOf = null;
    this.update();
    if (focused) [...this.frame.querySelectorAll("[aria-label]")].find((one) => one.getAttribute("aria-label") === focused)?.focus();
  }

  update() {
    const { sample } = this.match;
    const answers = data.runs.map((_, run) => answerAt(sample, run, this.scale));
    const asked = answers.some(Boolean) ? answers : [sample.answers[0]];
    const instructions = new Set(asked.filter(Boolean).map((answer) => answer.instruction));
    this.asked.replaceChildren(...[...instructions].map((number) => written(text(number), "text asked")));
    this.columns.replaceChildren(...answers.map((answer, run) => answerBox(sample, answer, run)));
    this.scales.set(this.scale);
    // The same sound at another scale plays on.
    const heardOf = JSON.stringify(answers.map((answer) => answer && [answer.sounds, answer.read]));
    if (this.heardOf !== heardOf) this.players.replaceChildren(...heardBy(asked));
    this.heardOf = heardOf;
  }

  // What has the focus is drawn anew: by its label it gets it back.
  focused() {
    const active = document.activeElement;
    return this.frame.contains(active) ? active.getAttribute("aria-label") : null;
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
    parts.push(make("h4", {}, sample.references.length > 1 ? "References" : "Reference"), ...sample.references.map((number) => written(text(number), "text", data.sets[sample.set].language)));
  }
  const rows = sample.fields.map(([name, value]) => [text(name), text(value)]);
  if (sample.labels.length) rows.unshift(["labels", sample.labels.map(text).join(", ")]);
  if (rows.length) {
    parts.push(make("h4", {}, "What else is known"), make("dl", { class: "material" }, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", { class: "text", dir: "auto" }, value)])));
  }
  return parts;
}
