// The picker of areas: found without diacritics, what contains an area stands for it, and the chosen ones in a row.
export const plain = (words) =>
  words
    .toLowerCase()
    .replace(/đ/g, "d")
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .trim();

const picker = document.querySelector("[data-areas]");
const boxes = picker ? [...picker.querySelectorAll('input[name="areas"]')] : [];
const lineOf = (box) => box.closest("li");
const nameOf = (box) => box.dataset.name;

const above = (box) => {
  const found = [];
  for (let line = lineOf(box).parentElement.closest("li"); line; line = line.parentElement.closest("li")) {
    found.push(line.querySelector('input[name="areas"]'));
  }
  return found;
};

// An area inside a chosen one is chosen with it, and not sent.
const cover = () => {
  for (const box of boxes) {
    const covered = above(box).some((outer) => outer.checked && !outer.dataset.covered);
    if (covered && !box.dataset.covered) {
      box.dataset.covered = box.checked ? "own" : "yes";
      box.checked = true;
      box.disabled = true;
    } else if (!covered && box.dataset.covered) {
      box.checked = box.dataset.covered === "own";
      box.disabled = false;
      delete box.dataset.covered;
    }
  }
};

const drop = (box) => {
  box.checked = false;
  box.dispatchEvent(new Event("change", { bubbles: true }));
  picker.querySelector("[data-areas-search]").focus();
};

const showChosen = () => {
  const row = picker.querySelector("[data-areas-chosen]");
  const chosen = boxes.filter((box) => box.checked && !box.disabled);
  row.replaceChildren(
    ...chosen.map((box) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "chosen";
      button.textContent = nameOf(box);
      button.setAttribute("aria-label", row.dataset.remove.replace("#", nameOf(box)));
      button.addEventListener("click", () => drop(box));
      return button;
    }),
  );
  row.hidden = chosen.length === 0;
};

const search = (typed) => {
  const wanted = plain(typed);
  let found = 0;
  for (const box of boxes) lineOf(box).hidden = Boolean(wanted);
  for (const details of picker.querySelectorAll("details")) details.open = false;
  for (const box of boxes) {
    if (!wanted || !plain(nameOf(box)).includes(wanted)) continue;
    found += 1;
    lineOf(box).hidden = false;
    for (const inner of lineOf(box).querySelectorAll("li")) inner.hidden = false;
    for (let up = lineOf(box).parentElement; up && up !== picker; up = up.parentElement) {
      if (up.matches("li")) up.hidden = false;
      if (up.matches("details")) up.open = true;
    }
  }
  picker.querySelector("[data-areas-none]").hidden = !wanted || found > 0;
  if (!wanted) openChosen();
};

// Whatever is chosen can be seen.
const openChosen = () => {
  for (const details of picker.querySelectorAll("details")) {
    const own = above(details.querySelector('input[name="areas"]'))[0];
    if (details.hasAttribute("data-root")) details.open = true;
    else if (!own?.checked && details.querySelector("input:checked")) details.open = true;
  }
};

if (picker) {
  const field = picker.querySelector("[data-areas-search]");
  picker.querySelector("[data-areas-find]").hidden = false;
  picker.addEventListener("change", (event) => {
    if (event.target.name !== "areas") return;
    cover();
    showChosen();
  });
  field.addEventListener("input", (event) => {
    event.stopPropagation();
    search(field.value);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  cover();
  showChosen();
  openChosen();
}
