// Put together: controls, list and sample; `#s=12` in the address opens a sample.

function start() {
  startTheme();
  let list;
  const detail = new Detail(() => list);
  list = new List((match, open) => {
    detail.show(match, open === true);
    if (open === false) return;
    try { history.replaceState(null, "", `#s=${match.sample.place}`); } catch { /* an address that may not change */ }
  });
  const asked = /^#s=(\d+)$/.exec(location.hash);
  const look = () => {
    const matches = found();
    byId("count").textContent = matches.length === samples.length
      ? plural(samples.length, "sample") : `${matches.length.toLocaleString("en")} of ${plural(samples.length, "sample")}`;
    list.set(matches);
    if (matches.length) list.choose(Math.max(0, list.at));
    else detail.empty();
  };
  startFilters(look);
  startKeys(list, detail);
  look();
  if (asked && Number(asked[1]) < samples.length) {
    list.choose(Number(asked[1]), true);
    byId("samples").scrollIntoView();
  }
}

start();
