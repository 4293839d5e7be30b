// The people's pages work without this; it saves a click here and there.
"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const word = button.querySelector(".unseen");
  const before = word.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.classList.add("copied");
    word.textContent = button.dataset.copied;
    setTimeout(() => { button.classList.remove("copied"); word.textContent = before; }, 2000);
  });
}
for (const button of document.querySelectorAll("[data-peek]")) {
  const field = document.getElementById(button.dataset.peek);
  button.hidden = false;
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const open = field.type === "password";
    field.type = open ? "text" : "password";
    button.setAttribute("aria-pressed", String(open));
  });
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
for (const select of document.querySelectorAll("[data-send]")) {
  // The stylesheet hides the button until there is something to send.
  select.addEventListener("change", () => { select.form.querySelector("button").classList.add("due"); });
}
// On a phone the menu scrolls: where one is should be seen.
const here = document.querySelector(".side nav [aria-current]");
if (here) here.parentNode.scrollLeft = here.offsetLeft - here.parentNode.offsetLeft - 24;
// "/" goes to the search, by the key's place: on a Russian keyboard it is "." there.
document.addEventListener("keydown", (e) => {
  if (e.code !== "Slash" || e.ctrlKey || e.metaKey || e.altKey || e.shiftKey || e.target.closest("input, textarea, select")) return;
  const search = document.querySelector("[data-search]");
  if (search) { e.preventDefault(); search.focus(); search.select(); }
});
