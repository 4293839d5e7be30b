// A test of a connection leaves what is typed where it is, passwords too.
"use strict";
{
  const button = document.querySelector("[data-check]");
  const place = document.getElementById("check");
  if (button && place) button.form.addEventListener("submit", async (e) => {
    if (e.submitter !== button) return;
    e.preventDefault();
    const body = new URLSearchParams(new FormData(button.form));
    body.set("do", "check");
    button.setAttribute("aria-disabled", "true");
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(button.form.action, { method: "POST", body });
      if (answer.redirected) { location.reload(); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("check");
      if (answer.status === 200 && fresh) place.innerHTML = fresh.innerHTML;
      else if (page.getElementById("settings")) { // faults stand beside their fields
        const typed = new FormData(button.form);
        button.form.innerHTML = page.getElementById("settings").innerHTML;
        for (const field of button.form.elements) if (field.type === "password" || field.tagName === "TEXTAREA") field.value = typed.get(field.name) ?? "";
        button.form.querySelector("[aria-invalid]")?.focus();
        location.hash === "" && history.replaceState(null, "", location.href);
        // The form was drawn anew, so this button is another one.
        button.form.querySelector("[data-check]")?.replaceWith(button);
      } else button.form.submit();
    } catch {
      place.querySelector("p").textContent = document.documentElement.lang === "en" ? "No connection to styk." : "Нет связи со styk.";
    }
    button.removeAttribute("aria-disabled");
    place.removeAttribute("aria-busy");
    place.scrollIntoView({ block: "nearest" });
  });
}
