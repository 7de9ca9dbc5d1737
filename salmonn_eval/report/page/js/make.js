// Elements from data. Text only ever becomes a text node: nothing that a model wrote can be mark-up.

const byId = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A text of any script and direction in a box of its own: it does not turn around what stands beside it.
// Its language, where it is known, chooses the letters' forms and a reader's voice.
function written(text, kind = "text", lang = null) {
  return make("div", { class: kind, dir: "auto", lang }, text);
}

const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
