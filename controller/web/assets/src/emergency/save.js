// Keeps the draft as one goes. A save that fails says so and is tried again; leaving sends what is not kept yet.
const QUIET_MS = 700;
const AGAIN_MS = 4000;

const form = document.querySelector("form[data-draft]");

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

  const took = (answer) => {
    form.querySelector('[name="draft"]').value = answer.id;
    form.action = answer.address;
    if (location.pathname !== answer.address) history.replaceState(null, "", answer.address);
    say("good", answer.saved);
  };

  const failed = (sentence) => {
    dirty = true;
    say("bad", note.dataset.failed.replace("#", sentence));
    later(AGAIN_MS);
  };

  const send = async () => {
    dirty = false;
    say("now", note.dataset.saving);
    const body = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(form.dataset.draft, { method: "POST", body, headers: { Accept: "application/json" } });
      const told = await answer.json();
      if (answer.ok) took(told);
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
    later(QUIET_MS);
  };

  form.addEventListener("input", changed);
  form.addEventListener("change", changed);

  // Two drafts out of one form: the one being kept is waited for.
  form.addEventListener("submit", async (event) => {
    clearTimeout(timer);
    if (!saving) {
      leaving = true;
      return;
    }
    const { submitter } = event;
    event.preventDefault();
    event.stopPropagation();
    await saving;
    leaving = true;
    form.requestSubmit(submitter);
  });

  addEventListener("pagehide", () => {
    if (dirty && !leaving) navigator.sendBeacon(form.dataset.draft, new URLSearchParams(new FormData(form)));
  });
}
