// What is said in each language: recorded here, uploaded, or typed and read. The sound is made at once, and heard.
const LEVEL_STEPS = 1024;

const part = (voice, name) => voice.querySelector(`[data-voice-${name}]`);

const tell = (voice, sentence, tone = "now") => {
  const note = part(voice, "note");
  note.dataset.tone = tone;
  note.textContent = sentence;
};

const changed = (voice) => voice.dispatchEvent(new Event("change", { bubbles: true }));

const forget = (voice) => {
  part(voice, "sound").value = "";
  part(voice, "said").value = "";
  const player = part(voice, "player");
  player.pause();
  player.removeAttribute("src");
  player.hidden = true;
};

const took = (voice, sound, said) => {
  part(voice, "sound").value = sound.sha256;
  part(voice, "said").value = said;
  const player = part(voice, "player");
  player.src = sound.url;
  player.hidden = false;
  const reading = part(voice, "reading");
  reading.hidden = !sound.spoken;
  reading.querySelector("span").textContent = sound.spoken ?? "";
  tell(voice, voice.dataset.ready.replace("#", Math.round(sound.seconds)), "good");
  changed(voice);
};

const make = async (voice, request, said) => {
  forget(voice);
  voice.dataset.busy = "yes";
  tell(voice, voice.dataset.making);
  try {
    const answer = await fetch("/api/emergency/sounds", { method: "POST", ...request });
    const told = await answer.json();
    if (answer.ok) took(voice, told, said);
    else tell(voice, told.detail ?? voice.dataset.lost, "bad");
  } catch {
    tell(voice, voice.dataset.lost, "bad");
  } finally {
    delete voice.dataset.busy;
  }
};

const sendFile = (voice, file, name) => {
  const body = new FormData();
  body.append("file", file, name);
  return make(voice, { body }, "");
};

const read = (voice) => {
  const text = part(voice, "text").value.trim();
  if (!text) {
    tell(voice, voice.dataset.empty, "bad");
    part(voice, "text").focus();
    return;
  }
  make(
    voice,
    {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text, language: voice.dataset.language }),
    },
    text,
  );
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

const record = async (voice, button) => {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch {
    tell(voice, voice.dataset.noMicrophone, "bad");
    return;
  }
  const recorder = new MediaRecorder(stream);
  const pieces = [];
  const quiet = meter(voice, stream);
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  recorder.addEventListener("stop", () => {
    stream.getTracks().forEach((track) => track.stop());
    quiet();
    button.textContent = button.dataset.begin;
    button.classList.remove("recording");
    const kind = recorder.mimeType.split(";")[0];
    const ending = kind.endsWith("mp4") ? "m4a" : kind.split("/")[1] || "webm";
    sendFile(voice, new Blob(pieces, { type: kind }), `microphone.${ending}`);
  });
  forget(voice);
  button.recorder = recorder;
  button.textContent = button.dataset.end;
  button.classList.add("recording");
  tell(voice, voice.dataset.recording, "bad");
  recorder.start(250);
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
    sendFile(voice, event.target.files[0], event.target.files[0].name);
  } else if (event.target.matches('[type="radio"]')) {
    forget(voice);
    part(voice, "reading").hidden = true;
    tell(voice, "");
  }
});

// A sound of other words is no sound of these.
document.addEventListener("input", (event) => {
  const voice = event.target.closest("[data-voice]");
  if (!voice || !event.target.matches("[data-voice-text]")) return;
  const said = part(voice, "said").value;
  if (said && said !== event.target.value.trim()) {
    forget(voice);
    part(voice, "reading").hidden = true;
    tell(voice, voice.dataset.changed);
  }
});

// The languages of the chosen areas, as long as nobody has chosen others.
let own = Boolean(document.querySelector("[data-voices-own]"));
document.addEventListener("change", (event) => {
  if (event.target.matches('[name="languages"]') && event.isTrusted) own = true;
});
document.addEventListener("htmx:after:swap", () => {
  const list = document.querySelector("[data-voices]");
  const wanted = document.querySelector("[data-area-languages]")?.dataset.areaLanguages?.split(" ").filter(Boolean);
  if (!list || own || !wanted?.length) return;
  const voices = new Map([...list.querySelectorAll("[data-voice]")].map((voice) => [voice.dataset.language, voice]));
  for (const [language, voice] of voices) {
    const box = voice.querySelector('[name="languages"]');
    if (box.checked === wanted.includes(language)) continue;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const order = wanted.map((language) => voices.get(language)).filter(Boolean);
  if (list.querySelector(":focus")) return;
  list.querySelector("[data-voices-main]").prepend(...order);
});
document.documentElement.classList.add("scripted");
