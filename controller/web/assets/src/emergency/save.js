// Keeps the draft as one goes: on this device at once, on the server as soon as it can be an alert.
import { forgetHere, keepHere, restore } from "./keep.js";

const QUIET_MS = 1200;
const AGAIN_MS = 4000;

const form = document.querySelector("form[data-draft]");

const standing = (voice, found) => {
  const words = voice.querySelector("[data-voice-standing]");
  const player = voice.querySelector("[data-voice-player]");
  if (voice.querySelector('[type="radio"]:checked')?.value !== "standing") return;
  words.textContent = found.text;
  player.hidden = !found.sound_url;
  if (found.sound_url && player.getAttribute("src") !== found.sound_url) player.src = found.sound_url;
};

if (form) {
  const note = document.querySelector("[data-save-note]");
  let dirty = false;
  let saving = null;
  let timer = 0;
  let leaving = false;

  const say = (tone, sentence) => {
    note.dataset.tone = tone;
    note.textContent = sentence;
  };

  const later = (after) => {
    clearTimeout(timer);
    timer = setTimeout(keep, after);
  };

  // What is right by now is no longer marked as wrong; `told.field` is what still is.
  const settle = (told) => {
    for (const error of form.querySelectorAll(".error[id]")) {
      if (error.id === `${told.field}-error`) continue;
      const marked = form.querySelector(`[aria-describedby="${error.id}"]`);
      marked?.removeAttribute("aria-invalid");
      marked?.removeAttribute("aria-describedby");
      error.closest(".has-error")?.classList.remove("has-error");
      error.remove();
    }
    const notice = form.querySelector('.notice[role="alert"]');
    if (notice && !(told.unfinished && notice.textContent.includes(told.unfinished))) notice.remove();
  };

  const took = (answer) => {
    forgetHere();
    form.elements.draft.value = answer.id;
    form.action = answer.address;
    if (location.pathname !== answer.address) history.replaceState(null, "", answer.address);
    for (const found of answer.voices) {
      const voice = form.querySelector(`[data-voice][data-language="${found.language}"]`);
      if (voice) standing(voice, found);
    }
    say("good", answer.saved);
  };

  const failed = (sentence) => {
    dirty = true;
    say("bad", note.dataset.failed.replace("#", sentence));
    later(AGAIN_MS);
  };

  const send = async () => {
    dirty = false;
    const body = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(form.dataset.draft, { method: "POST", body, headers: { Accept: "application/json" } });
      const told = await answer.json();
      if (answer.ok) settle(told);
      if (told.unfinished) say("now", note.dataset.unfinished.replace("#", told.unfinished));
      else if (answer.ok) took(told);
      else failed(told.detail ?? "");
    } catch {
      failed(note.dataset.lost);
    }
  };

  const keep = () => {
    if (saving || !dirty) return saving;
    saving = send().finally(() => {
      saving = null;
      if (dirty && !leaving) later(QUIET_MS);
    });
    return saving;
  };

  const changed = () => {
    dirty = true;
    if (!keepHere()) say("bad", note.dataset.failed.replace("#", ""));
    later(QUIET_MS);
  };

  const at = restore();
  if (at) {
    const part = document.querySelector("[data-restored]");
    part.hidden = false;
    part.querySelector("time").textContent = at.toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
    part.querySelector("button").addEventListener("click", () => {
      leaving = true;
      forgetHere();
      location.assign(form.elements.draft.value ? location.pathname : form.dataset.anew);
    });
    const follow = () => form.querySelector('[name="areas"]')?.dispatchEvent(new Event("change", { bubbles: true }));
    const counts = document.getElementById("reach");
    if (counts.hasAttribute("data-htmx-powered")) queueMicrotask(follow);
    else counts.addEventListener("htmx:after:init", follow, { once: true });
  }

  form.addEventListener("input", changed);
  form.addEventListener("change", changed);

  // One form makes one draft: a save under way is waited for.
  form.addEventListener("submit", async (event) => {
    clearTimeout(timer);
    leaving = true;
    if (!saving) return;
    const { submitter } = event;
    event.preventDefault();
    event.stopPropagation();
    await saving;
    form.requestSubmit(submitter);
  });
}
