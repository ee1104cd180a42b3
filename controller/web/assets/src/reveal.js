// What a line of the page opens is seen whole, also above the menu at the bottom of a phone.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.open && target.matches("main details")) {
      target.querySelector(":scope > form")?.scrollIntoView({ block: "nearest" });
    }
  },
  true,
);
