// Players of what was heard: from the page itself, or from the folder beside it.

function sourceOf(number) {
  const sound = data.sounds[number];
  if (sound.kind === "held") return `data:audio/ogg;base64,${byId(`sound-${number}`).textContent}`;
  return sound.file;
}

function player(number, label) {
  const sound = data.sounds[number];
  if (sound.kind === "absent") return make("div", { class: "sound none" }, `${label}no audio: ${sound.why}`);
  const cut = sound.cut_s > 0 ? `, ${sound.cut_s.toFixed(1)} s more were cut off: the model did not hear them` : "";
  const told = make("span", {}, `${label}${sound.seconds.toFixed(1)} s${cut}`);
  const audio = make("audio", { controls: true, preload: "metadata", src: sourceOf(number), "aria-label": `${label}what was heard` });
  audio.addEventListener("error", () => {
    told.textContent = sound.kind === "linked"
      ? `${label}not found: ${sound.file}; the folder beside the page belongs to it`
      : `${label}this browser plays no Ogg Opus`;
  });
  return make("div", { class: "sound" }, audio, told);
}

function heard(answer, label = "") {
  if (!answer) return [];
  if (answer.read !== null) return [make("h4", {}, label ? `${label}read in place of audio` : "Read in place of audio"), written(text(answer.read))];
  if (!answer.sounds.length) return [make("p", { class: "sound none" }, `${label}no audio: the run names none for this sample`)];
  return answer.sounds.map((number, place) => player(number, answer.sounds.length > 1 ? `${label}clip ${place + 1}: ` : label));
}

// One player where all answers are about the same sound, else one for each run.
function heardBy(answers) {
  const asked = answers.filter(Boolean);
  const same = asked.every((answer) => String(answer.sounds) === String(asked[0].sounds) && answer.read === asked[0].read);
  return same ? heard(asked[0]) : answers.flatMap((answer, run) => heard(answer, `${data.runs[run].label}: `));
}
