// What a preview says of a form is out of sight from the moment that the form says something else.
document.addEventListener("input", (event) => {
  event.target.form?.querySelector("[data-preview]")?.setAttribute("data-old", "");
});
document.addEventListener("change", (event) => {
  const form = event.target.form ?? event.target.closest("form");
  form?.querySelector("[data-preview]")?.setAttribute("data-old", "");
});
document.addEventListener("htmx:after:swap", () => {
  for (const preview of document.querySelectorAll("[data-preview]")) preview.removeAttribute("data-old");
});
