// Lists whose rows can be added, removed and moved: times of day, exception dates, a playlist.
const rowsOf = (list) => [...list.querySelectorAll(":scope > [data-row]")];

const renumber = (list) => {
  const rows = rowsOf(list);
  rows.forEach((row, index) => {
    for (const label of row.querySelectorAll("[data-numbered]")) {
      label.setAttribute("aria-label", label.dataset.numbered.replace("#", index + 1));
    }
    for (const number of row.querySelectorAll("[data-number]")) number.textContent = index + 1;
    const remove = row.querySelector('[data-do="remove"]');
    if (remove) remove.disabled = rows.length <= Number(list.dataset.least ?? 1);
    const up = row.querySelector('[data-do="up"]');
    const down = row.querySelector('[data-do="down"]');
    if (up) up.disabled = index === 0;
    if (down) down.disabled = index === rows.length - 1;
  });
};

const changed = (list) => list.dispatchEvent(new Event("change", { bubbles: true }));

const add = (list) => {
  const row = list.querySelector("template").content.firstElementChild.cloneNode(true);
  list.append(row);
  renumber(list);
  row.querySelector("input, select")?.focus();
};

const actions = {
  up: (row) => row.previousElementSibling?.before(row),
  down: (row) => row.nextElementSibling?.after(row),
  remove: (row) => row.remove(),
};

document.addEventListener("click", (event) => {
  const adder = event.target.closest("[data-add-to]");
  if (adder) {
    add(document.getElementById(adder.dataset.addTo));
    return;
  }
  const button = event.target.closest("[data-do]");
  const list = button?.closest("[data-rows]");
  if (!list) return;
  const row = button.closest("[data-row]");
  actions[button.dataset.do](row);
  renumber(list);
  if (row.isConnected) (button.disabled ? row.querySelector("select, input") : button).focus();
  changed(list);
});

// A list that is about to be replaced takes no input that would be lost with it; what it holds is still sent.
const rest = (inert) => (event) => {
  const part = event.detail.ctx?.sourceElement;
  if (part?.hasAttribute("data-rests")) part.inert = inert;
};
document.addEventListener("htmx:before:request", rest(true));
document.addEventListener("htmx:finally:request", rest(false));

const renumberAll = () => document.querySelectorAll("[data-rows]").forEach(renumber);

document.addEventListener("htmx:after:swap", renumberAll);
document.addEventListener("DOMContentLoaded", renumberAll);
if (document.readyState !== "loading") renumberAll();
