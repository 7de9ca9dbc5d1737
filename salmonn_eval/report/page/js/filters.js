// The controls above the list; each that could not tell anything apart is left out.

function choice(name, label, options, read, changed) {
  if (options.length < 2) return null;
  const select = make(
    "select", { id: `by-${name}`, onchange: () => { wanted[name] = read(select.value); changed(); } },
    ...options.map(([value, told]) => make("option", { value }, told)),
  );
  return make("label", { class: "field" }, label, select);
}

function limits(changed) {
  const ends = ["low", "high"].map((end) => make("input", {
    type: "range", min: 0, max: 1, step: 0.05, value: end === "low" ? 0 : 1, id: `by-${end}`,
    "aria-label": end === "low" ? "least item score" : "highest item score",
  }));
  const told = make("span", {}, "Item score: any");
  const moved = (event) => {
    let [low, high] = ends.map((input) => Number(input.value));
    if (low > high) {
      const pushed = event.target === ends[0] ? ends[1] : ends[0];
      pushed.value = event.target.value;
      low = high = Number(event.target.value);
    }
    Object.assign(wanted, { low, high });
    told.textContent = low === 0 && high === 1 ? "Item score: any" : `Item score: ${low.toFixed(2)} to ${high.toFixed(2)}`;
    changed();
  };
  for (const input of ends) input.addEventListener("input", moved);
  return make("div", { class: "field" }, told, make("div", { class: "two" }, ...ends));
}

function startFilters(changed) {
  const any = (label) => ["", label];
  const whole = (value) => (value === "" ? "" : Number(value));
  const asIs = (value) => value;
  const answers = samples.flatMap((sample) => sample.answers);
  const performed = [...new Set(answers.map((answer) => answer.performed))].sort((a, b) => text(a).localeCompare(text(b)));
  const followed = [...new Set(answers.map((answer) => answer.followed))];
  const variants = [...new Set(samples.map((sample) => sample.variant))];
  const orders = [["plan", "as asked"], ["worst", "worst first"], ["best", "best first"], ...(pair ? [["gain", "largest change first"]] : [])];
  const changes = pair ? [any("all"), ["text", "A and B differ"], ["better", "A scores higher"], ["worse", "B scores higher"]] : [];
  byId("filters").append(...[
    choice("set", "Task", [any("all"), ...data.sets.map((_, place) => [place, setName(place)])], whole, changed),
    choice("scale", "LoRA scale", scales.length > 1 ? [any("any"), ...scales.map((scale) => [scale, scale === ownScale ? `${scale} (its own)` : `${scale}`])] : [], whole, changed),
    choice("performed", "Performed task", [any("any"), ...performed.map((number) => [number, text(number)])], whole, changed),
    choice("followed", "Followed", followed.length > 1 ? [any("any"), ...followed.map((name) => [name, name])] : [], asIs, changed),
    choice("variant", "Wording, condition", variants.length > 1 ? [any("all"), ...variants.map((number) => [number, text(number) || "as released"])] : [], whole, changed),
    limits(changed),
    choice("change", "A and B", changes, asIs, changed),
    choice("order", "Order", orders, asIs, changed),
    make("button", { type: "button", id: "clear", class: "quiet", onclick: () => clear(changed) }, "Clear all"),
  ].filter(Boolean));
  if (matchMedia("(max-width: 52rem)").matches) byId("more").open = false;
  let waiting = 0;
  byId("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      wanted.words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
      changed();
    }, 90);
  });
}

function clear(changed) {
  for (const select of byId("filters").querySelectorAll("select")) { select.selectedIndex = 0; select.dispatchEvent(new Event("change")); }
  for (const [id, value] of [["by-low", 0], ["by-high", 1]]) { byId(id).value = value; byId(id).dispatchEvent(new Event("input")); }
  byId("search").value = "";
  wanted.words = [];
  changed();
}
