// The deliberate second act: a button that must be held, by mouse, finger or keyboard. Let go early, nothing happens.
// It is sent until the server answers; the same act sent twice is carried out once.
const HOLD_MS = 2000;
const AGAIN_MS = 2000;
const PATIENCE_MS = 15_000;
const TOO_MANY = 429;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const once = async (form, body) => {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "text/html" },
      signal: patience.signal,
    });
    if (answer.status >= 500 || answer.status === TOO_MANY) return { why: form.dataset.unclear };
    const page = await answer.text();
    return page.includes("<main") ? { answer, page } : { why: form.dataset.unclear };
  } catch {
    return { why: form.dataset.lost };
  } finally {
    clearTimeout(timer);
  }
};

const untilAnswered = async (form, body, tell) => {
  for (let number = 2; ; number += 1) {
    const found = await once(form, body);
    if (found.answer) return found;
    tell(found.why.replace("#", number), "bad");
    await pause(AGAIN_MS);
  }
};

// Refused: the same page again, with what is wrong.
const showAgain = (page) => {
  const found = new DOMParser().parseFromString(page, "text/html").querySelector("main");
  document.querySelector("main").replaceWith(found);
  begin();
  const alert = found.querySelector('[role="alert"], .error');
  alert?.setAttribute("tabindex", "-1");
  alert?.focus();
};

const send = async (form, held) => {
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  const status = form.querySelector("[data-hold-status]");
  const tell = (sentence, tone = "now") => {
    status.dataset.tone = tone;
    status.textContent = sentence;
  };
  const body = new URLSearchParams(new FormData(form));
  if (held) {
    body.set("confirm", "held");
    body.set("held_s", HOLD_MS / 1000);
  }
  for (const field of form.elements) field.disabled = true;
  tell(form.dataset.sending);
  const { answer, page } = await untilAnswered(form, body, tell);
  if (answer.redirected) location.replace(answer.url);
  else showAgain(page);
};

const holder = (button) => {
  const form = button.closest("form");
  const status = form.querySelector("[data-hold-status]");
  let since = null;
  let frame = 0;

  const show = (part) => button.style.setProperty("--held", part);

  const stop = (sentence) => {
    if (since === null) return;
    since = null;
    cancelAnimationFrame(frame);
    button.classList.remove("holding");
    show(0);
    status.textContent = sentence;
  };

  const finish = () => {
    stop("");
    send(form, true);
  };

  const tick = (now) => {
    if (since === null) return;
    const part = (now - since) / HOLD_MS;
    show(Math.min(part, 1));
    if (part >= 1) finish();
    else frame = requestAnimationFrame(tick);
  };

  const start = () => {
    if (since !== null || button.disabled) return;
    since = performance.now();
    button.classList.add("holding");
    status.dataset.tone = "now";
    status.textContent = button.dataset.holding;
    frame = requestAnimationFrame(tick);
  };

  const early = () => stop(button.dataset.early);

  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture?.(event.pointerId);
    start();
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(end, early);
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) start();
  });
  button.addEventListener("keyup", (event) => {
    if (event.key === " " || event.key === "Enter") early();
  });
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  document.addEventListener("visibilitychange", early);
  button.disabled = false;
  button.closest("[data-hold-part]").hidden = false;
};

const begin = () => {
  for (const button of document.querySelectorAll("[data-hold]")) holder(button);
  for (const form of document.querySelectorAll("form[data-act]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form, false);
    });
  }
};

begin();
addEventListener("pageshow", (event) => {
  if (event.persisted && document.querySelector("form[data-act]")) location.reload();
});
