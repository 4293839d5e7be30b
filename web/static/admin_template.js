// The editor of a card's template draws the card anew while one types. Without
// this the button "Показать" does it.
"use strict";
const editor = document.querySelector("[data-preview]");
const place = document.querySelector("[data-faces-here]");
const show = document.querySelector("[data-show]");

// The colours of a preview are no style of the page: they are set by hand.
function dress() {
  const { card, ink, label, webCard, webInk, webLabel } = place.firstElementChild.dataset;
  for (const [part, colours] of [[".pass", [card, ink, label]], [".webcard", [webCard, webInk, webLabel]]]) {
    const style = place.querySelector(part).style;
    ["--card", "--on-card", "--card-label"].forEach((name, i) => style.setProperty(name, colours[i]));
  }
}

let running = null;
async function draw() {
  if (running) running.abort();
  const mine = running = new AbortController();
  try {
    const answer = await fetch(editor.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(editor)), signal: mine.signal });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    place.innerHTML = await answer.text();
    dress();
    show.hidden = true;
  } catch (err) {
    if (err.name != "AbortError") show.hidden = false; // the button tells what is wrong
  }
}

let timer;
const soon = (ms) => { clearTimeout(timer); timer = setTimeout(draw, ms); };
editor.addEventListener("input", () => soon(250));
document.getElementById("sample").addEventListener("change", () => soon(0));
show.hidden = true;
