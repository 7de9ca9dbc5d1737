// The list: of any number of samples only the rows in sight, and a few beyond, are elements.

const BEYOND = 6;

class List {
  constructor(chosen) {
    this.frame = byId("list");
    this.room = byId("room");
    this.tall = pair ? 96 : 72;
    this.frame.classList.toggle("pair", pair);
    this.matches = [];
    this.at = -1;
    this.rows = new Map();
    this.chosen = chosen;
    this.frame.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.frame);
  }

  // Show other matches; the sample that was chosen stays so where it is still among them.
  set(matches) {
    const kept = this.matches[this.at]?.sample;
    this.matches = matches;
    this.at = kept ? matches.findIndex((one) => one.sample === kept) : -1;
    this.room.style.height = `${matches.length * this.tall}px`;
    this.forget();
    if (!matches.length) this.room.append(make("p", { class: "empty" }, "No sample fits. Clear a filter, or search for less."));
    this.frame.scrollTop = this.at < 0 ? 0 : Math.max(0, this.at * this.tall - this.frame.clientHeight / 2);
    this.draw();
  }

  forget() {
    this.rows.clear();
    this.room.replaceChildren();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.frame.scrollTop / this.tall) - BEYOND);
    const end = Math.min(this.matches.length, Math.ceil((this.frame.scrollTop + this.frame.clientHeight) / this.tall) + BEYOND);
    for (const [place, row] of this.rows) {
      if (place < first || place >= end) { row.remove(); this.rows.delete(place); }
    }
    for (let place = first; place < end; place++) {
      if (!this.rows.has(place)) {
        const row = this.row(place);
        this.rows.set(place, row);
        this.room.append(row);
      }
    }
  }

  row(place) {
    const { sample, shown } = this.matches[place];
    const name = make("div", { class: "name", dir: "auto" }, make("b", {}, data.sets[sample.set].task), ` ${text(sample.id)}`);
    const variant = text(sample.variant);
    if (variant) name.append(` · ${variant}`);
    const cells = shown.flatMap((answer, run) => [
      make("div", { class: "said", dir: "auto" }, sideMark(run), glimpse(answer)), make("div", { class: "mark" }, ...meter(answer)),
    ]);
    const row = make("div", {
      class: "row", role: "option", id: `row-${place}`, "aria-setsize": this.matches.length, "aria-posinset": place + 1,
      "aria-selected": place === this.at ? "true" : "false", onclick: () => this.choose(place, true),
    }, name, make("div", { class: "mark" }, this.scaleOf(place)), ...cells);
    row.style.top = `${place * this.tall}px`;
    return row;
  }

  scaleOf(place) {
    const { scale } = this.matches[place];
    return scales.length > 1 && scale !== null ? shortScale(scale) : "";
  }

  // `open`: true shows it on a phone too, null only names it in the address, false (the filters chose it) does neither.
  choose(place, open = false) {
    if (place < 0 || place >= this.matches.length) return;
    this.rows.get(this.at)?.setAttribute("aria-selected", "false");
    this.at = place;
    const top = place * this.tall;
    if (top < this.frame.scrollTop) this.frame.scrollTop = top;
    const low = top + this.tall - this.frame.clientHeight;
    if (low > this.frame.scrollTop) this.frame.scrollTop = low;
    this.draw();
    this.rows.get(place)?.setAttribute("aria-selected", "true");
    this.frame.setAttribute("aria-activedescendant", `row-${place}`);
    this.chosen(this.matches[place], open);
  }

  move(by) {
    this.choose(Math.min(this.matches.length - 1, Math.max(0, this.at + by)), null);
  }
}

function sideMark(run) {
  const label = data.runs[run].label;
  return label ? make("span", { class: `side side-${label}` }, label) : null;
}

function glimpse(answer) {
  if (!answer) return " not asked";
  if (answer.error !== null) return ` failed: ${text(answer.error).slice(0, 160)}`;
  return ` ${text(answer.said)?.slice(0, 160) || "(empty)"}`;
}

function meter(answer) {
  if (!answer || answer.score === null) return [answer?.error != null ? "failed" : "–"];
  const bar = make("i");
  bar.style.width = `${Math.round(100 * answer.score)}%`;
  return [make("span", { class: "meter", "aria-hidden": "true" }, bar), score(answer.score)];
}
