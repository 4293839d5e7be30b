// The list of deliveries: keys by their place on the keyboard, boxes to select by,
// and many sent again slice by slice.
"use strict";
{
  const list = () => document.getElementById("list");
  const rows = () => [...(list()?.querySelectorAll("tbody tr") ?? [])];
  const boxes = () => [...(list()?.querySelectorAll("tbody input[type=checkbox]") ?? [])];
  const show = () => {
    const all = boxes();
    const chosen = all.filter((b) => b.checked).length;
    const head = list()?.querySelector("[data-pick-all]");
    if (head) { head.checked = chosen > 0 && chosen === all.length; head.indeterminate = chosen > 0 && chosen < all.length; }
    const button = list()?.querySelector("[data-chosen]");
    if (button) { button.disabled = chosen === 0; button.classList.toggle("main", chosen > 0); button.querySelector("[data-chosen-count]").textContent = chosen || ""; }
  };
  document.addEventListener("change", (e) => {
    if (!list()?.contains(e.target)) return;
    if (e.target.matches("[data-pick-all]")) for (const b of boxes()) b.checked = e.target.checked;
    show();
  });
  document.addEventListener("fresh", show);
  show();
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented) { show(); return; } // keys of all lists are handled elsewhere
    if (e.ctrlKey || e.metaKey || e.altKey || e.shiftKey || e.target.closest("input:not([type=checkbox]), textarea, select")) return;
    const all = rows();
    const now = all.findIndex((r) => r.contains(document.activeElement));
    const go = (to) => all[Math.max(0, Math.min(to, all.length - 1))]?.querySelector("a.row").focus();
    if (e.code === "KeyJ") go(now + 1);
    else if (e.code === "KeyK") go(now < 0 ? 0 : now - 1);
    else if (e.code === "KeyX") {
      const box = all[now]?.querySelector("input[type=checkbox]");
      if (!box) return;
      box.checked = !box.checked;
      show();
    } else return;
    e.preventDefault();
  });

  const form = document.querySelector("[data-slices]");
  form?.addEventListener("submit", async (e) => {
    e.preventDefault();
    const part = document.getElementById("slices");
    const bar = part.querySelector("progress");
    const text = part.querySelector("p");
    const total = Number(form.dataset.total) || 1;
    form.querySelector("button").disabled = true;
    part.hidden = false;
    let sent = 0;
    let after = "0";
    for (;;) {
      const body = new URLSearchParams(new FormData(form));
      body.set("slice", "1");
      body.set("after", after);
      let answer;
      try { answer = await fetch(form.action, { method: "POST", body }); } catch { answer = null; }
      if (!answer?.ok || answer.redirected) { form.submit(); return; } // the plain way: what is left goes at once
      const said = await answer.json();
      sent += said.sent;
      after = said.after;
      bar.max = Math.max(total, sent);
      bar.value = sent;
      text.textContent = `${form.dataset.word} ${sent} / ${bar.max}`;
      if (!said.more) break;
    }
    location.href = "/admin/deliveries?said=" + sent;
  });
}
