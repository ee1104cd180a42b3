// Says a chosen day or time in words beside its field: browsers write 11/12 in the order of their own language.
const language = document.documentElement.lang;
const inWords = {
  date: new Intl.DateTimeFormat(language, { dateStyle: "full", timeZone: "UTC" }),
  time: new Intl.DateTimeFormat(language, {
    hour: "numeric",
    minute: "2-digit",
    dayPeriod: "long",
    hour12: true,
    timeZone: "UTC",
  }),
};

const words = ({ type, value }) => {
  const moment = new Date(type === "date" ? `${value}T00:00Z` : `1970-01-01T${value}Z`);
  return Number.isNaN(moment.valueOf()) ? "" : inWords[type].format(moment);
};

const placeFor = (field) => {
  if (field.nextElementSibling?.matches(".echo")) return field.nextElementSibling;
  const place = document.createElement("span");
  place.className = "echo hint";
  field.after(place);
  return place;
};

const echo = (field) => {
  placeFor(field).textContent = words(field);
};

const echoAll = () => document.querySelectorAll('input[type="date"], input[type="time"]').forEach(echo);

document.addEventListener("input", (event) => {
  if (event.target.matches('[type="date"], [type="time"]')) echo(event.target);
});
addEventListener("pageshow", echoAll);
echoAll();
