// The journal's list grows by itself while it is looked at.
"use strict";
{
  const sign = document.querySelector("[data-live]");
  if (sign) {
    sign.hidden = false;
    const text = sign.querySelector("[data-live-text]");
    const rows = document.getElementById("calls");
    const look = async () => {
      if (document.visibilityState === "visible") {
        const address = new URL(sign.dataset.live, location.href);
        address.searchParams.set("after", sign.dataset.after);
        let good = false;
        try {
          const answer = await fetch(address);
          good = answer.ok && !answer.redirected;
          if (good) {
            const fresh = document.createElement("template");
            fresh.innerHTML = await answer.text();
            const newest = fresh.content.querySelector("tr");
            if (newest) {
              sign.dataset.after = newest.dataset.id;
              for (const row of fresh.content.querySelectorAll("tr")) row.classList.add("fresh");
              rows.prepend(fresh.content);
              rows.closest("table").hidden = false;
              for (const none of document.querySelectorAll("#no-calls, .empty")) none.remove();
              while (rows.rows.length > 300) rows.lastElementChild.remove();
            }
          }
        } catch { good = false; }
        text.textContent = good ? text.dataset.liveText : text.dataset.liveOff;
        sign.classList.toggle("off", !good);
      }
      setTimeout(look, 2000);
    };
    setTimeout(look, 2000);
  }
}
