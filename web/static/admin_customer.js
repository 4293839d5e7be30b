// Lists that answer while one types, and previews that load when they are asked
// for. Without it the form is sent by Enter, and a file is saved.
"use strict";
for (const input of document.querySelectorAll("[data-live]")) {
  const form = input.form;
  let timer = 0, running = null;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      running?.abort();
      running = new AbortController();
      const address = form.action + "?" + new URLSearchParams(new FormData(form));
      try {
        const answer = await fetch(address, { signal: running.signal });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(input.dataset.live);
        if (!fresh) return;
        document.getElementById(input.dataset.live).replaceChildren(...fresh.childNodes);
        history.replaceState(null, "", address);
      } catch (e) {
        if (e.name !== "AbortError") form.requestSubmit();
      }
    }, 150);
  });
}
for (const fold of document.querySelectorAll("[data-view]")) {
  fold.hidden = false;
  fold.addEventListener("toggle", () => {
    const frame = fold.querySelector("iframe");
    if (fold.open && !frame.src) frame.src = frame.dataset.src;
  });
}
