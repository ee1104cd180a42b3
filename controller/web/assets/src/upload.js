// Sends a recording with visible progress, then lets the page follow how it is prepared.
import htmx from "htmx.org";

const say = (box, name) => {
  box.querySelector("[data-upload-error]").hidden = true;
  box.querySelector("[data-upload-note]").textContent = box.dataset[name] ?? name;
};

const complain = (box, name) => {
  const error = box.querySelector("[data-upload-error]");
  error.querySelector("span").textContent = box.dataset[name] ?? name;
  error.hidden = false;
  box.querySelector("[data-upload-note]").textContent = "";
  box.classList.add("has-error");
};

const tell = (box, fraction) => {
  const bar = box.querySelector("progress");
  bar.hidden = false;
  bar.value = fraction;
  say(box, box.dataset.sending.replace("#", Math.round(fraction * 100)));
};

// A title that came from a file goes with it, unless somebody has changed it.
const takeBackTitle = () => {
  const title = document.getElementById("title");
  if (title?.dataset.suggested && title.value === title.dataset.suggested) title.value = "";
  delete title?.dataset.suggested;
};

document.addEventListener("htmx:after:swap", () => {
  if (document.querySelector('#recording[data-state="refused"]')) takeBackTitle();
});

const refuse = (box, sentence) => {
  box.querySelector("progress").hidden = true;
  box.querySelector("[data-upload-start]").disabled = false;
  complain(box, sentence);
  takeBackTitle();
};

const answerOf = (request) => {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
};

const received = (box, upload) => {
  const address = new URL(location.href);
  address.searchParams.set("tep", upload.id);
  history.replaceState(null, "", address);
  return htmx.ajax("GET", `${box.dataset.follow}/${upload.id}`, { target: "#recording", swap: "outerHTML" });
};

const suggestTitle = (file) => {
  const title = document.getElementById("title");
  if (!title || title.value) return;
  title.value = file.name.replace(/\.[^.]+$/, "").replace(/[_-]+/g, " ");
  title.dataset.suggested = title.value;
};

const send = (box, file) => {
  const body = new FormData();
  body.append("opening_chime", box.querySelector('[name="opening_chime"]').checked);
  body.append("closing_chime", box.querySelector('[name="closing_chime"]').checked);
  body.append("file", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", box.dataset.uploadTo);
  request.upload.addEventListener("progress", (event) => tell(box, event.loaded / event.total));
  request.upload.addEventListener("load", () => say(box, "received"));
  request.addEventListener("error", () => refuse(box, "lost"));
  request.addEventListener("load", () => {
    const answer = answerOf(request);
    if (request.status < 300 && answer.id) received(box, answer);
    else refuse(box, answer.detail ?? "lost");
  });
  request.send(body);
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-upload-start]");
  if (!button) return;
  const box = button.closest("[data-upload-to]");
  const input = box.querySelector('input[type="file"]');
  const file = input.files[0];
  box.classList.toggle("has-error", !file);
  if (!file) {
    complain(box, "choose");
    input.focus();
    return;
  }
  if (file.size > Number(box.dataset.limit)) {
    refuse(box, "tooLarge");
    return;
  }
  button.disabled = true;
  suggestTitle(file);
  tell(box, 0);
  send(box, file);
});

// A form that is sent while a recording is chosen but not received sends the recording first: nothing chosen is lost.
document.addEventListener("submit", (event) => {
  const box = event.target.querySelector("[data-upload-to]");
  if (!box?.querySelector('input[type="file"]').files.length) return;
  event.preventDefault();
  box.scrollIntoView({ block: "center" });
  box.querySelector("[data-upload-start]").click();
});
