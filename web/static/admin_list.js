// What all pages of the people share: the search of everything, and keys by
// their place, so that a Russian keyboard needs no switching. Without this the
// search is sent by Enter and lists are walked by Tab.
"use strict";
{
  const box = document.querySelector("[data-find]");
  if (box) {
    const list = document.getElementById("found-everywhere");
    let timer = 0, running = null, at = -1, shown = "", chosen = null;
    const options = () => [...list.querySelectorAll("a[role=option]")];
    const close = () => { list.hidden = true; box.setAttribute("aria-expanded", "false"); mark(-1); };
    const mark = (n) => {
      const all = options();
      at = n;
      all.forEach((o, i) => o.setAttribute("aria-selected", String(i == n)));
      chosen = all[n] || null;
      if (chosen) { box.setAttribute("aria-activedescendant", chosen.id); chosen.scrollIntoView({ block: "nearest" }); }
      else box.removeAttribute("aria-activedescendant");
    };
    const look = async () => {
      const text = box.value.trim();
      running?.abort();
      if (text.length < 2) { shown = ""; close(); return; }
      running = new AbortController();
      try {
        const answer = await fetch("/admin/search?bits&q=" + encodeURIComponent(text), { signal: running.signal });
        if (!answer.ok || answer.redirected) return close();
        list.innerHTML = await answer.text();
        shown = text;
        list.hidden = false;
        box.setAttribute("aria-expanded", "true");
        mark(-1);
        const n = options().length;
        document.getElementById("found-count").textContent = n ? list.dataset.found + " " + n : list.textContent.trim();
      } catch (e) { if (e.name !== "AbortError") close(); }
    };
    box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 140); });
    box.addEventListener("focus", () => { if (shown && shown === box.value.trim()) { list.hidden = false; box.setAttribute("aria-expanded", "true"); } });
    box.addEventListener("keydown", (e) => {
      const n = options().length;
      if (e.isComposing) return;
      if ((e.key === "ArrowDown" || e.key === "ArrowUp") && n && !list.hidden) {
        e.preventDefault();
        mark(e.key === "ArrowDown" ? (at + 1) % n : (at <= 0 ? n : at) - 1);
      } else if (e.key === "Enter" && chosen && !list.hidden) {
        e.preventDefault();
        chosen.click();
      } else if (e.key === "Escape" && !list.hidden) {
        e.preventDefault();
        close();
      }
    });
    document.addEventListener("click", (e) => { if (!e.target.closest(".find")) close(); });
    box.form.addEventListener("focusout", (e) => { if (!box.form.contains(e.relatedTarget)) setTimeout(close, 150); });
  }

  const sheet = document.getElementById("keys");
  const rows = () => [...document.querySelectorAll("main table.list tbody tr")].filter((r) => r.querySelector("a.row"));
  const step = (by) => {
    const all = rows();
    if (!all.length) return false;
    const now = all.findIndex((r) => r.contains(document.activeElement));
    const next = now < 0 ? 0 : Math.min(Math.max(now + by, 0), all.length - 1);
    all[next].querySelector("a.row").focus();
    all[next].scrollIntoView({ block: "nearest" });
    return true;
  };
  const select = () => {
    const row = document.activeElement?.closest("tr");
    const tick = row?.querySelector("input[type=checkbox]");
    if (tick) tick.click();
    return !!tick;
  };
  const keys = { KeyJ: () => step(1), KeyK: () => step(-1), KeyX: select };
  document.addEventListener("keydown", (e) => {
    if (e.code === "KeyK" && (e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && box) {
      e.preventDefault();
      box.focus();
      box.select();
      return;
    }
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || sheet?.open || e.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if (e.key === "?" || e.code === "Slash" && e.shiftKey) {
      if (sheet) { e.preventDefault(); sheet.showModal(); }
    } else if (e.code === "Slash" && !e.shiftKey && !document.querySelector("[data-search]") && box) {
      e.preventDefault();
      box.focus();
      box.select();
    } else if (!e.shiftKey && keys[e.code]?.()) e.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => sheet.showModal());
  }
}
