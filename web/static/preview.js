// The owner's look at his form: this brings the real form, drawn by its real
// script, into one state. It stands before styk.js and answers whatever that
// sends; nothing leaves the page, no draft is kept, and no focus is taken from
// the page around the frame.
(() => {
  "use strict";
  const { state, answer } = document.currentScript.dataset;
  const never = () => new Promise(() => {});
  const later = window.setTimeout.bind(window);

  HTMLElement.prototype.focus = () => {};
  Element.prototype.scrollIntoView = () => {};
  Storage.prototype.getItem = () => null;
  Storage.prototype.setItem = () => {};

  const answers = { success: 201, silent: 201, taken: 201, busy: 429 };
  let asked = false; // the number is looked for after the post: that stays open
  window.fetch = async () => {
    if (state == "offline" || state == "failure") throw new TypeError("network");
    if (!answers[state] || asked) return never();
    asked = true;
    return new Response(answer, { status: answers[state], headers: { "Content-Type": "application/json" } });
  };
  // Three more tries take a quarter of a minute: nobody looks that long.
  if (state == "failure") window.setTimeout = (work, ms, ...rest) => later(work, Math.min(ms, 10), ...rest);
  if (state == "offline") Object.defineProperty(navigator, "onLine", { get: () => false });

  window.XMLHttpRequest = class extends EventTarget {
    constructor() {
      super();
      this.upload = new EventTarget();
    }
    open() {}
    setRequestHeader() {}
    abort() {}
    send(file) {
      if (state == "uploading") {
        later(() => this.upload.dispatchEvent(new ProgressEvent("progress", { loaded: file.size * 0.42, total: file.size })), 50);
        return;
      }
      Object.assign(this, { status: 201, responseText: JSON.stringify({ token: "-" }) });
      later(() => this.dispatchEvent(new Event("loadend")), 0);
    }
  };

  const samples = {
    phone: "+7 900 123-45-67", email: "anna@example.ru", inn: "500100732259", date: "2026-11-20",
    textarea: "После обновления касса не печатает чек.\nПерезапуск не помогает.",
  };
  const byName = { name: "Анна Иванова", topic: "Касса не печатает", company: "ООО «Ромашка»" };

  function fillIn(box) {
    for (const control of box.querySelectorAll("input:not([type=hidden]), select, textarea")) {
      if (control.type == "file") addFile(box);
      else if (control.type == "checkbox" || control.type == "radio") control.checked = true;
      else if (control.tagName == "SELECT") control.selectedIndex = Math.min(1, control.options.length - 1);
      else {
        const text = samples[box.dataset.type] || byName[box.dataset.field] || "Пример";
        control.value = control.maxLength > 0 ? text.slice(0, control.maxLength) : text;
      }
    }
  }

  function addFile(box) {
    const kind = (box.dataset.kinds || "pdf").split(" ")[0];
    const file = new File([new Uint8Array(1200000)], "Акт сверки." + kind);
    if (state == "toolarge") Object.defineProperty(file, "size", { value: +box.dataset.max * 1.5 });
    const drop = new Event("drop", { cancelable: true });
    drop.dataTransfer = { files: [file] };
    box.querySelector("[data-drop]").dispatchEvent(drop);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("form[data-styk]");
    if (state == "empty") return;
    for (const box of form.querySelectorAll("[data-field]")) {
      if (state != "errors") fillIn(box);
      else if (!("required" in box.dataset) && /^(phone|email)$/.test(box.dataset.type)) box.querySelector("input").value = "?";
    }
    if (state != "toolarge") form.requestSubmit();
  });
})();
