// The deliberate second act: a button that must be held, by mouse, finger or keyboard. Let go early, nothing happens.
const HOLD_MS = 2000;

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
    stop(button.dataset.done);
    button.disabled = true;
    form.querySelector('[name="confirm"]').disabled = true;
    for (const [name, value] of [["confirm", "held"], ["held_s", HOLD_MS / 1000]]) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      form.append(field);
    }
    form.requestSubmit();
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
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  button.closest("[data-hold-part]").hidden = false;
};

for (const button of document.querySelectorAll("[data-hold]")) holder(button);
