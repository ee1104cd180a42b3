// Draws the waveform that the library measured, beside a plain audio element that works without it.
import WaveSurfer from "wavesurfer.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const draw = (place) => {
  if (place.dataset.drawn) return;
  place.dataset.drawn = "yes";
  WaveSurfer.create({
    container: place,
    media: document.getElementById(place.dataset.audio),
    peaks: [JSON.parse(place.dataset.peaks)],
    duration: Number(place.dataset.seconds),
    cspNonce: document.querySelector('meta[name="style-nonce"]')?.content,
    height: 72,
    normalize: true,
    barWidth: 2,
    barGap: 1,
    barRadius: 2,
    cursorWidth: 2,
    waveColor: colour("--wave"),
    progressColor: colour("--accent"),
    cursorColor: colour("--ink"),
  });
};

const drawAll = () => document.querySelectorAll("[data-peaks]").forEach(draw);

document.addEventListener("htmx:after:swap", drawAll);
drawAll();
