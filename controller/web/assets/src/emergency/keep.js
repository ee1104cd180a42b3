// What is typed is kept on this device until the server has it: no reload and no lost network takes it away.
const OLDEST_MS = 24 * 3600 * 1000;

const form = document.querySelector("form[data-draft]");
const name = form && `loaban-alert:${form.dataset.person}:${form.elements.draft.value}`;

export const keepHere = () => {
  try {
    localStorage.setItem(name, JSON.stringify({ at: Date.now(), fields: [...new FormData(form)] }));
    return true;
  } catch {
    return false;
  }
};

export const forgetHere = () => localStorage.removeItem(name);

const kept = () => {
  const found = JSON.parse(localStorage.getItem(name) ?? "null");
  return found && Date.now() - found.at < OLDEST_MS ? found : null;
};

const put = (field, values) => {
  if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
  else if (values.length && field.type !== "file") field.value = values[0];
};

export const restore = () => {
  const found = form && !form.querySelector(".error") ? kept() : null;
  if (!found) return null;
  const values = Map.groupBy
    ? Map.groupBy(found.fields, ([key]) => key)
    : found.fields.reduce((all, pair) => all.set(pair[0], [...(all.get(pair[0]) ?? []), pair]), new Map());
  for (const field of form.elements) {
    if (field.name && field.name !== "draft") put(field, (values.get(field.name) ?? []).map(([, value]) => value));
  }
  for (const voice of form.querySelectorAll("[data-voice]")) {
    const sound = voice.querySelector("[data-voice-sound]").value;
    const player = voice.querySelector("[data-voice-player]");
    player.hidden = !sound;
    if (sound) player.src = `/media/${sound}.opus`;
  }
  const on = [...form.querySelectorAll('[name="languages"]:checked')].map((box) => box.value);
  const followed = form.elements.followed.value.split(" ").filter(Boolean);
  if ([...on].sort().join() !== followed.sort().join()) form.querySelector("[data-voices]").dataset.voicesOwn = "";
  return new Date(found.at);
};
