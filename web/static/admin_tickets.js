// The list of tickets: a search that finds while one types, and boxes to select
// by.
"use strict";
{
  const place = document.getElementById("tickets");
  const sheet = document.getElementById("keys");
  const boxes = () => [...place.querySelectorAll("tbody input[type=checkbox]")];

  const show = () => {
    const all = boxes();
    const chosen = all.filter((b) => b.checked).length;
    const head = place.querySelector("[data-pick-all]");
    if (head) {
      head.checked = chosen > 0 && chosen === all.length;
      head.indeterminate = chosen > 0 && chosen < all.length;
    }
    const which = place.querySelector("#which");
    if (which) {
      const option = which.options[0];
      option.dataset.text ||= option.textContent;
      option.textContent = chosen ? `${option.dataset.text}: ${chosen}` : option.dataset.text;
    }
  };
  place.addEventListener("change", (e) => {
    if (e.target.matches("[data-pick-all]")) for (const b of boxes()) b.checked = e.target.checked;
    if (e.target.matches("input[type=checkbox]")) show();
  });

  // The keys of all lists are elsewhere; here E goes to what can be done.
  document.addEventListener("keydown", (e) => {
    if (e.code !== "KeyE" || e.ctrlKey || e.metaKey || e.altKey || e.shiftKey || sheet?.open) return;
    if (e.target.closest("input:not([type=checkbox]), textarea, select")) return;
    const action = place.querySelector("#action");
    if (!action) return;
    action.focus();
    e.preventDefault();
  });

  const form = document.querySelector("[data-live-search]");
  let asked = 0;
  let timer = 0;
  const look = async () => {
    const address = new URL(form.action, location.href);
    for (const [name, value] of new FormData(form)) if (value) address.searchParams.set(name, value);
    const mine = ++asked;
    try {
      const part = new URL(address);
      part.searchParams.set("part", "rows");
      const answer = await fetch(part);
      if (!answer.ok || answer.redirected) return;
      const text = await answer.text();
      if (mine !== asked) return; // a later one is on its way
      place.innerHTML = text;
      history.replaceState(null, "", address);
      show();
    } catch { /* Enter still asks the server */ }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 180);
  });
  show();
}
