// Parts that refresh themselves stay quiet in a hidden tab, and say so when what they show grows old.
const note = () => document.getElementById("connection-lost");

document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail.ctx?.sourceElement;
  if (document.hidden && source?.hasAttribute("data-live")) event.preventDefault();
});

const tellLost = (lost) => {
  const element = note();
  if (element) element.hidden = !lost;
};

document.addEventListener("htmx:error", () => tellLost(true));
document.addEventListener("htmx:response:error", () => tellLost(true));
document.addEventListener("htmx:after:swap", () => tellLost(false));
