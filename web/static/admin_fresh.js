// What is marked data-fresh keeps itself up to date while it is looked at: the
// page is read again, and parts that became different take the place of the old
// ones. What a person ticked, unfolded or stands on stays so.
"use strict";
{
  const pace = 2500;
  const known = new Map();
  for (const part of document.querySelectorAll("[data-fresh]")) known.set(part.id, part.outerHTML);
  const sign = document.querySelector("[data-live-sign]");
  const busy = (part) => part.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), textarea, select");
  const swap = (old, fresh) => {
    const ticked = new Set([...old.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value));
    const open = [...old.querySelectorAll("details")].map((d) => d.open);
    const at = old.contains(document.activeElement) ? document.activeElement : null;
    const same = at && (at.id ? "#" + CSS.escape(at.id) : at.getAttribute("href") ? `a[href="${CSS.escape(at.getAttribute("href"))}"]` : at.value ? `[value="${CSS.escape(at.value)}"]` : "");
    old.replaceWith(fresh);
    for (const box of fresh.querySelectorAll("input[type=checkbox]")) box.checked = ticked.has(box.value);
    const folds = fresh.querySelectorAll("details");
    if (folds.length === open.length) folds.forEach((d, i) => { d.open = open[i]; });
    if (same) fresh.querySelector(same)?.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("fresh", { detail: fresh }));
  };
  const look = async () => {
    if (document.visibilityState === "visible" && known.size > 0) {
      let good = false;
      try {
        const address = new URL(location.href);
        address.searchParams.delete("said");
        const answer = await fetch(address);
        good = answer.ok && !answer.redirected;
        if (good) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          for (const [id, was] of known) {
            const fresh = page.getElementById(id);
            const old = document.getElementById(id);
            if (!fresh || !old || busy(old)) continue;
            if (fresh.outerHTML !== was) { known.set(id, fresh.outerHTML); swap(old, document.adoptNode(fresh)); }
          }
        }
      } catch { good = false; }
      if (sign) { sign.hidden = false; sign.classList.toggle("off", !good); sign.querySelector("[data-live-text]").textContent = sign.dataset[good ? "on" : "off"]; }
    }
    setTimeout(look, pace);
  };
  setTimeout(look, pace);
}
