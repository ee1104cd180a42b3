// What is said in each language: recorded here, uploaded, or typed and read. The sound is made at once, and heard.
const LEVEL_STEPS = 1024;

const part = (voice, name) => voice.querySelector(`[data-voice-${name}]`);

const tell = (voice, sentence, tone = "now") => {
  const note = part(voice, "note");
  note.dataset.tone = tone;
  note.textContent = sentence;
};

const changed = (voice) => voice.dispatchEvent(new Event("change", { bubbles: true }));

const wayOf = (voice) => voice.querySelector('[type="radio"]:checked')?.value;

// What was made in each way is kept: who looks at another way loses nothing.
const kept = new WeakMap();
const keptOf = (voice) => kept.get(voice) ?? kept.set(voice, new Map()).get(voice);

// Not on the server yet, and what sends it once more.
const unsent = new Map();

// What has begun and has no sound yet.
const underway = new Map();
const track = (voice, work) => {
  const all = underway.get(voice) ?? underway.set(voice, new Set()).get(voice);
  all.add(work);
  return work.finally(() => all.delete(work));
};

const show = (voice) => {
  const made = keptOf(voice).get(wayOf(voice));
  part(voice, "sound").value = made?.sha256 ?? "";
  part(voice, "said").value = made?.said ?? "";
  const player = part(voice, "player");
  player.pause();
  player.hidden = !made;
  if (made) player.src = made.url;
  else player.removeAttribute("src");
  const reading = part(voice, "reading");
  reading.hidden = !made?.spoken;
  reading.querySelector("span").textContent = made?.spoken ?? "";
};

const forget = (voice, way) => {
  keptOf(voice).delete(way);
  if (way === wayOf(voice)) show(voice);
};

const took = (voice, way, sound, said) => {
  keptOf(voice).set(way, { ...sound, said });
  if (way === wayOf(voice)) show(voice);
  tell(voice, voice.dataset.ready.replace("#", Math.round(sound.seconds)), "good");
  changed(voice);
};

const make = async (voice, way, request, said) => {
  forget(voice, way);
  unsent.delete(voice);
  voice.dataset.busy = "yes";
  tell(voice, voice.dataset.making);
  try {
    const answer = await fetch("/api/emergency/sounds", { method: "POST", ...request });
    const told = await answer.json();
    if (answer.ok) took(voice, way, told, said);
    else tell(voice, told.detail ?? voice.dataset.lost, "bad");
  } catch {
    tell(voice, voice.dataset.lost, "bad");
    unsent.set(voice, () => track(voice, make(voice, way, request, said)));
  } finally {
    delete voice.dataset.busy;
  }
};

const sendFile = (voice, way, file, name) => {
  const body = new FormData();
  body.append("file", file, name);
  return make(voice, way, { body }, "");
};

const read = (voice) => {
  const text = part(voice, "text").value.trim();
  if (!text) {
    tell(voice, voice.dataset.empty, "bad");
    part(voice, "text").focus();
    return;
  }
  const request = {
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text, language: voice.dataset.language }),
  };
  track(voice, make(voice, "typed", request, text));
};

const meter = (voice, stream) => {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(LEVEL_STEPS);
  const bar = part(voice, "level");
  const clock = part(voice, "clock");
  const began = performance.now();
  let frame = 0;
  bar.hidden = false;
  const show = () => {
    analyser.getFloatTimeDomainData(samples);
    bar.value = Math.min(1, Math.max(...samples.map(Math.abs)) * 1.4);
    const seconds = Math.floor((performance.now() - began) / 1000);
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    frame = requestAnimationFrame(show);
  };
  show();
  return () => {
    cancelAnimationFrame(frame);
    bar.hidden = true;
    clock.textContent = "";
    return context.close();
  };
};

const microphone = async (voice, button) => {
  button.dataset.opening = "yes";
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch {
    tell(voice, voice.dataset.noMicrophone, "bad");
    return null;
  } finally {
    delete button.dataset.opening;
  }
};

const recorded = (voice, recorder, stream, button) => {
  const pieces = [];
  const quiet = meter(voice, stream);
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  return new Promise((resolve) => {
    recorder.addEventListener("stop", () => {
      stream.getTracks().forEach((one) => one.stop());
      quiet();
      button.textContent = button.dataset.begin;
      button.classList.remove("recording");
      const kind = recorder.mimeType.split(";")[0];
      const ending = kind.endsWith("mp4") ? "m4a" : kind.split("/")[1] || "webm";
      resolve(sendFile(voice, "recorded", new Blob(pieces, { type: kind }), `microphone.${ending}`));
    });
  });
};

const record = async (voice, button) => {
  if (button.dataset.opening) return;
  const stream = await microphone(voice, button);
  if (!stream) return;
  const recorder = new MediaRecorder(stream);
  part(voice, "player").pause();
  button.recorder = recorder;
  button.textContent = button.dataset.end;
  button.classList.add("recording");
  tell(voice, voice.dataset.recording, "bad");
  track(voice, recorded(voice, recorder, stream, button));
  recorder.start(250);
};

const stopRecording = (voice) => {
  const { recorder } = part(voice, "record");
  if (recorder?.state === "recording") recorder.stop();
};

document.addEventListener("click", (event) => {
  const voice = event.target.closest("[data-voice]");
  if (!voice || voice.dataset.busy) return;
  if (event.target.closest("[data-voice-read]")) read(voice);
  const button = event.target.closest("[data-voice-record]");
  if (!button) return;
  if (button.recorder?.state === "recording") button.recorder.stop();
  else record(voice, button);
});

document.addEventListener("change", (event) => {
  const voice = event.target.closest("[data-voice]");
  if (!voice) return;
  if (event.target.matches("[data-voice-file]") && event.target.files[0]) {
    track(voice, sendFile(voice, "uploaded", event.target.files[0], event.target.files[0].name));
  } else if (event.target.matches('[type="radio"]')) {
    stopRecording(voice);
    show(voice);
    tell(voice, "");
    changed(voice);
  }
});

// A sound of other words is no sound of these.
document.addEventListener("input", (event) => {
  const voice = event.target.closest("[data-voice]");
  if (!voice || !event.target.matches("[data-voice-text]")) return;
  const said = keptOf(voice).get("typed")?.said;
  if (!said || said === event.target.value.trim()) return;
  forget(voice, "typed");
  if (wayOf(voice) === "typed") tell(voice, voice.dataset.changed);
});

// The page is not left while something is being recorded, made, or still to be sent.
const finish = async (voice) => {
  stopRecording(voice);
  await Promise.all(underway.get(voice) ?? []);
  await unsent.get(voice)?.();
};

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    const voices = [...form.querySelectorAll("[data-voice]")];
    const open = voices.filter((voice) => underway.get(voice)?.size || unsent.has(voice));
    if (!open.length) return;
    const { submitter } = event;
    event.preventDefault();
    event.stopImmediatePropagation();
    await Promise.all(open.map(finish));
    const lost = open.find((voice) => unsent.has(voice));
    if (lost) lost.scrollIntoView({ block: "center" });
    else form.requestSubmit(submitter);
  },
  true,
);

// The languages of the chosen areas, as long as nobody has chosen others.
let own = Boolean(document.querySelector("[data-voices-own]"));
const followed = document.querySelector('[name="followed"]');
document.addEventListener(
  "change",
  (event) => {
    if (!event.target.matches('[name="languages"]') || !event.isTrusted) return;
    own = true;
    followed.value = "";
  },
  true,
);
document.addEventListener("htmx:after:swap", () => {
  const list = document.querySelector("[data-voices]");
  const wanted = document.querySelector("[data-area-languages]")?.dataset.areaLanguages?.split(" ").filter(Boolean);
  if (!list || own || !wanted?.length) return;
  followed.value = wanted.join(" ");
  const voices = new Map([...list.querySelectorAll("[data-voice]")].map((voice) => [voice.dataset.language, voice]));
  for (const [language, voice] of voices) {
    const box = voice.querySelector('[name="languages"]');
    if (box.checked === wanted.includes(language)) continue;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const order = wanted.map((language) => voices.get(language)).filter(Boolean);
  const main = list.querySelector("[data-voices-main]");
  const moved = order.some((voice, place) => main.children[place] !== voice);
  if (moved && !list.querySelector(":focus, .recording")) main.prepend(...order);
});
for (const voice of document.querySelectorAll("[data-voice]")) {
  const sha256 = part(voice, "sound").value;
  if (!sha256) continue;
  const spoken = part(voice, "reading").querySelector("span").textContent;
  keptOf(voice).set(wayOf(voice), { sha256, spoken, url: `/media/${sha256}.opus`, said: part(voice, "said").value });
}
document.documentElement.classList.add("scripted");
