// Light, dark, or as the system has it; remembered where a file may remember.

const THEMES = ["auto", "light", "dark"];

function remembered() {
  try { return localStorage.getItem("salmonn-eval-theme"); } catch { return null; }
}

function setTheme(name) {
  const theme = THEMES.includes(name) ? name : "auto";
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `theme: ${theme}`;
  byId("theme").hidden = false;
  try { localStorage.setItem("salmonn-eval-theme", theme); } catch { /* private window: not remembered */ }
  return theme;
}

function startTheme() {
  let theme = setTheme(remembered());
  byId("theme").addEventListener("click", () => {
    theme = setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
  });
}
