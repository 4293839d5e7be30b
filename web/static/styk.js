// The public form: one script for the form's own page, for <styk-form> on any
// site, for a script tag with data-form, and for iframes. It makes nothing that
// the server's page does not do without it; it saves the visitor waiting,
// retyping and doubt. No build step, no globals but StykForm.
(() => {
  "use strict";
  if (window.StykForm) return;

  const script = document.currentScript || document.querySelector('script[src*="/styk.js"]');
  const base = new URL(".", script.src).href;
  const PATIENCE = 30e3; // ms that one request may take
  const PAUSES = [1e3, 4e3, 10e3]; // ms before each further try
  const LOOKS = [1e3, 2e3, 3e3, 5e3, 10e3, 20e3, 40e3, 60e3, 120e3]; // ms between looks for the CRM's number

  const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
  const fill = (text, values) => (text || "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const digits = (text) => text.replace(/\D/g, "");

  function uuid() {
    if (window.crypto.randomUUID) return crypto.randomUUID(); // secure contexts only
    const b = crypto.getRandomValues(new Uint8Array(16));
    b[6] = (b[6] & 15) | 64;
    b[8] = (b[8] & 63) | 128;
    return [...b].map((n, i) => ([4, 6, 8, 10].includes(i) ? "-" : "") + n.toString(16).padStart(2, "0")).join("");
  }

  // sessionStorage throws where storage is forbidden: the form works without.
  const drafts = {
    get(name) {
      try { return JSON.parse(sessionStorage.getItem("styk:" + name)) || {}; } catch { return {}; }
    },
    set(name, draft) {
      try {
        if (draft) sessionStorage.setItem("styk:" + name, JSON.stringify(draft));
        else sessionStorage.removeItem("styk:" + name);
      } catch { /* the text stays on the page */ }
    },
  };

  const weigh = (number, weights) => (weights.reduce((sum, w, i) => sum + w * number[i], 0) % 11) % 10;
  function validINN(text) {
    const w = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    if (/^\d{10}$/.test(text)) return weigh(text, w.slice(2)) == text[9];
    return /^\d{12}$/.test(text) && weigh(text, w.slice(1)) == text[10] && weigh(text, w) == text[11];
  }

  // groupPhone gives a Russian number in groups, or null where it must keep out
  // of the way: another country, letters, too many digits.
  function groupPhone(text) {
    if (/[^\d\s()+.\-\u2010-\u2014]/.test(text)) return null;
    const plus = /^\s*\+/.test(text);
    let d = digits(text);
    if (!d) return plus && text.trim() == "+" ? null : "";
    if (!plus && d[0] == "8" && d.length != 10) d = "7" + d.slice(1);
    else if (!plus && "3489".includes(d[0])) d = "7" + d;
    if (d[0] != "7" || d.length > 11) return null;
    const part = (from, to, before) => (d.length > from ? before + d.slice(from, to) : "");
    return "+7" + part(1, 4, " ") + part(4, 7, " ") + part(7, 9, "-") + part(9, 11, "-");
  }

  // phoneMask regroups while the visitor types. The caret stays behind the same
  // digit; deleting a separator deletes the digit beyond it.
  function phoneMask(input) {
    let before = input.value;
    const regroup = (event) => {
      let raw = input.value;
      let caret = input.selectionStart ?? raw.length;
      const kind = (event && event.inputType) || "";
      if (kind.startsWith("delete") && digits(raw) == digits(before) && raw.length == before.length - 1 && digits(raw).length > 1) {
        if (kind == "deleteContentBackward") {
          const cut = raw.slice(0, caret).replace(/\d\D*$/, "");
          raw = cut + raw.slice(caret);
          caret = cut.length;
        } else raw = raw.slice(0, caret) + raw.slice(caret).replace(/\d/, "");
      }
      if (kind.startsWith("delete") && digits(raw) == "") raw = "";
      const grouped = groupPhone(raw);
      if (grouped != null && grouped != input.value) {
        const atEnd = caret >= raw.length;
        let left = digits(raw.slice(0, caret)).length + digits(grouped).length - digits(raw).length;
        input.value = grouped;
        let at = grouped.length;
        if (!atEnd) for (at = 0; at < grouped.length && left > 0; at++) if (/\d/.test(grouped[at])) left--;
        if (input.getRootNode().activeElement == input) input.setSelectionRange(at, at);
      }
      before = input.value;
    };
    input.addEventListener("input", regroup);
    input.addEventListener("change", regroup); // autofill in some browsers
    regroup();
  }

  class Refused extends Error {
    constructor(status, answer, wait) {
      super("refused");
      Object.assign(this, { status, wait, errors: (answer && answer.errors) || [] });
    }
  }

  // Form gives life to one <form data-styk> that the server has rendered.
  class Form {
    constructor(form, host) {
      this.form = form;
      this.root = form.closest(".styk");
      this.host = host || form; // where events are sent from
      this.name = form.dataset.styk;
      this.action = new URL(form.getAttribute("action"), base).href.split("?")[0];
      this.texts = JSON.parse(form.dataset.texts);
      this.fields = [...form.querySelectorAll("[data-field]")].map((box) => this.field(box));
      this.button = form.querySelector("[type=submit]");
      this.line = form.querySelector("[data-line]"); // role=status
      this.summary = form.querySelector("[data-summary]"); // role=alert
      this.restore();
      form.setAttribute("data-live", "");
      form.addEventListener("submit", (e) => { e.preventDefault(); this.submit(); });
      form.addEventListener("input", () => { clearTimeout(this.saving); this.saving = setTimeout(() => this.save(), 250); });
      form.addEventListener("paste", (e) => this.paste(e));
      this.summary.addEventListener("click", (e) => this.jump(e));
      addEventListener("pagehide", () => this.busy || this.finished || this.save());
    }

    // one field, whatever its controls

    field(box) {
      const f = {
        box, name: box.dataset.field, type: box.dataset.type, required: "required" in box.dataset,
        controls: [...box.querySelectorAll("input:not([type=hidden]):not([name=_drop]), select, textarea")],
        error: box.querySelector("[data-error]"), warning: box.querySelector("[data-warning]"),
      };
      f.first = f.controls[0];
      f.value = () => f.controls.filter((c) => (c.type != "checkbox" && c.type != "radio") || c.checked).map((c) => c.value.trim()).join("\n");
      if (f.type == "file") f.files = new Files(this, f);
      if (f.type == "phone") phoneMask(f.first);
      box.addEventListener("input", () => this.heal(f));
      box.addEventListener("change", () => this.heal(f));
      box.addEventListener("focusout", () => this.left(f));
      return f;
    }

    // fault gives the sentence about what is wrong with f, or "".
    fault(f) {
      if (f.files) return f.files.fault() || (f.required && !f.files.list.length ? f.box.dataset.missing : "");
      const value = f.value();
      if (!value) return f.required ? f.box.dataset.missing : "";
      const count = digits(value).length;
      const wrong = (f.type == "email" && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(value)) ||
        (f.type == "phone" && (count < 10 || count > 17)) ||
        (f.first.validity && f.first.validity.badInput);
      return wrong ? f.box.dataset.invalid : "";
    }

    // left: the visitor goes on. What is empty is not blamed yet.
    left(f) {
      this.doubt(f);
      if (f.files || !f.value()) return;
      const text = this.fault(f);
      if (text) this.mark(f, text);
    }

    heal(f) {
      if (f.first.getAttribute("aria-invalid") == "true" && !this.fault(f)) this.mark(f, "");
      if (f.warning && !f.warning.hidden) this.doubt(f);
    }

    // doubt warns of what may be a slip and never stops anybody.
    doubt(f) {
      if (!f.warning) return;
      const value = f.value().replace(/\s/g, "");
      f.warning.hidden = !value || validINN(value);
      f.warning.textContent = f.warning.hidden ? "" : f.warning.dataset.warning;
    }

    mark(f, text) {
      f.error.textContent = text;
      f.error.hidden = !text;
      for (const c of f.controls) {
        if (text) c.setAttribute("aria-invalid", "true");
        else c.removeAttribute("aria-invalid");
      }
      f.box.toggleAttribute("data-wrong", !!text);
      const item = this.summary.querySelector(`[data-for="${f.name}"]`);
      if (text && item) item.firstElementChild.textContent = text;
      else if (item) {
        item.remove();
        if (!this.summary.querySelector("li")) this.summary.hidden = true;
      }
    }

    // blame shows faults, [[field or null, text], …], at the top and at their fields.
    blame(faults, title) {
      const list = this.summary.querySelector("ul");
      list.replaceChildren();
      for (const f of this.fields) {
        const mine = faults.find(([g]) => g == f);
        this.mark(f, mine ? mine[1] : "");
      }
      for (const [f, text] of faults) {
        const li = document.createElement("li");
        if (f) {
          const a = document.createElement("a");
          a.href = "#" + f.first.id;
          a.textContent = text;
          li.dataset.for = f.name;
          li.append(a);
        } else li.textContent = text;
        list.append(li);
      }
      list.hidden = !faults.length;
      this.summary.querySelector("[data-title]").textContent = title || this.texts.summary;
      this.summary.hidden = false;
      this.summary.focus();
      this.emit("error", { fields: faults.map(([f]) => f && f.name).filter(Boolean) });
    }

    // jump: a link to a field inside a shadow root leads nowhere by itself.
    jump(e) {
      const a = e.target.closest("a[href^='#']");
      const to = a && this.form.querySelector("#" + CSS.escape(decodeURIComponent(a.getAttribute("href").slice(1))));
      if (!to) return;
      e.preventDefault();
      to.focus();
      to.closest("[data-field]").scrollIntoView({ block: "nearest" });
    }

    paste(e) {
      const f = this.fields.find((f) => f.files);
      if (!f || !e.clipboardData || !e.clipboardData.files.length) return;
      e.preventDefault();
      f.files.add(e.clipboardData.files);
    }

    // the draft: text outlives a reload, files and consent do not

    kept() { return this.fields.filter((f) => f.type != "file" && f.type != "consent"); }

    save() {
      if (this.finished) return;
      const values = {};
      for (const f of this.kept()) if (f.value()) values[f.name] = f.value();
      drafts.set(this.name, Object.keys(values).length ? { key: this.form.elements._key.value, values } : null);
    }

    restore() {
      if (this.form.hasAttribute("data-refused")) return; // the server has put back what was typed
      const draft = drafts.get(this.name);
      if (!draft.values) return;
      this.form.elements._key.value = draft.key;
      for (const f of this.kept()) {
        const value = draft.values[f.name];
        if (value == null) continue;
        for (const c of f.controls) {
          if (c.type == "checkbox" || c.type == "radio") c.checked = value.split("\n").includes(c.value);
          else c.value = value;
        }
      }
    }

    // sending

    async submit() {
      if (this.busy || this.finished) return;
      const faults = this.fields.map((f) => [f, this.fault(f)]).filter(([, text]) => text);
      if (faults.length) return this.blame(faults);
      this.summary.hidden = true;
      this.save();
      this.setBusy(true);
      this.emit("submit", {});
      try {
        for (const f of this.fields) if (f.files) await f.files.settled((text) => this.say(text));
        this.say(this.texts.sending);
        this.done(await this.post());
      } catch (err) {
        this.failed(err);
      } finally {
        this.setBusy(false);
      }
    }

    setBusy(busy) {
      this.busy = busy;
      if (busy) this.form.removeAttribute("data-failed");
      this.form.toggleAttribute("data-busy", busy);
      this.form.setAttribute("aria-busy", busy);
      this.button.setAttribute("aria-disabled", busy);
      const rest = this.form.hasAttribute("data-failed") ? this.texts.retry : this.texts.send;
      this.button.querySelector("[data-label]").textContent = busy ? this.texts.sending : rest;
      if (!busy) this.say("");
    }

    // say tells the visitor how it goes. What the button says too is for ears only.
    say(text) {
      if (this.line.textContent == text) return;
      this.line.textContent = text;
      this.line.toggleAttribute("data-quiet", text == this.texts.sending);
    }

    body() {
      const data = new FormData(this.form);
      for (const f of this.fields) {
        if (!f.files) continue;
        data.delete(f.name);
        for (const item of f.files.list) data.append("_file." + f.name, item.token);
      }
      data.set("_page", location.href.split(/[?#]/)[0]);
      return data;
    }

    // post sends until there is an answer: the key makes repeating harmless.
    async post() {
      for (let go = 0; ; go++) {
        try {
          return await this.request(this.action, { method: "POST", body: this.body() });
        } catch (err) {
          if (err instanceof Refused && err.status < 500 && err.status != 408) throw err;
          if (!navigator.onLine) {
            this.say(this.texts.offline);
            this.form.setAttribute("data-offline", "");
            await new Promise((back) => addEventListener("online", back, { once: true }));
            this.form.removeAttribute("data-offline");
            go = -1;
          } else if (go == PAUSES.length || (err instanceof Refused && err.status == 507)) throw err;
          this.say(this.texts.retrying);
          await sleep(PAUSES[Math.max(go, 0)]);
        }
      }
    }

    async request(url, init) {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), PATIENCE);
      try {
        const response = await fetch(url, { ...init, signal: stop.signal, credentials: "omit", headers: { Accept: "application/json" } });
        let answer = null;
        try { answer = await response.json(); } catch { /* a proxy's page */ }
        if (response.ok && answer) return answer;
        throw new Refused(response.ok ? 502 : response.status, answer, response.headers.get("Retry-After"));
      } finally {
        clearTimeout(timer);
      }
    }

    failed(err) {
      this.save();
      if (err.fault) return this.blame(err.fault);
      const known = err instanceof Refused && err.status < 500;
      if (known) {
        const faults = err.errors.map((e) => [this.fields.find((f) => f.name == e.field) || null, e.message]);
        const fixable = faults.length && err.status != 429;
        return this.blame(fixable ? faults : [], fixable ? "" : (faults[0] && faults[0][1]) || this.texts.failed);
      }
      this.blame([], (err.errors && err.errors[0] && err.errors[0].message) || this.texts.failed);
      this.form.setAttribute("data-failed", "");
    }

    // the end

    done(answer) {
      this.finished = true;
      drafts.set(this.name, null);
      const panel = this.form.querySelector("template[data-done]").content.cloneNode(true).firstElementChild;
      const put = (name, text) => { for (const el of panel.querySelectorAll(`[data-${name}]`)) el.textContent = text; };
      put("message", answer.message || this.texts.success);
      put("number", answer.crm_number || answer.number);
      const later = panel.querySelector("[data-later]");
      const expected = !later.hidden && !answer.crm_number && answer.status != "delivered"; // the CRM's number
      later.hidden = !expected;
      for (const p of panel.querySelectorAll("[data-card]")) {
        p.hidden = !answer.card_url;
        if (answer.card_url) p.querySelector("a").href = answer.card_url;
      }
      for (const a of panel.querySelectorAll("[data-status]")) a.href = new URL(answer.status_url, base).href;
      panel.querySelector("[data-ok]").addEventListener("click", (e) => { e.preventDefault(); this.after(panel); });
      this.form.hidden = true;
      this.form.after(panel);
      copying(panel);
      panel.querySelector("[data-message]").focus();
      panel.scrollIntoView({ block: "nearest" });
      this.emit("success", { number: answer.crm_number || answer.number, id: answer.number });
      if (expected) watch(new URL(answer.status_url, base).href, panel);
    }

    after(panel) {
      const after = this.form.dataset.after;
      for (const f of this.fields) if (f.files) f.files.clear();
      this.form.reset();
      if (/^https?:/.test(after)) return location.assign(after);
      if (after != "reset") return location.reload();
      this.finished = false;
      this.form.elements._key.value = uuid();
      for (const f of this.fields) { this.mark(f, ""); this.doubt(f); }
      panel.remove();
      this.form.hidden = false;
      this.fields[0].first.focus();
    }

    emit(name, detail) {
      this.host.dispatchEvent(new CustomEvent("styk:" + name, { bubbles: true, composed: true, detail: { form: this.name, ...detail } }));
    }
  }

  // Files are the chosen files of one field. Each goes up as soon as it is
  // chosen; the form then carries only the token that stands for it.
  class Files {
    constructor(owner, field) {
      this.owner = owner;
      this.field = field;
      this.texts = owner.texts;
      this.input = field.first;
      this.rows = field.box.querySelector("[data-files]");
      this.list = [...this.rows.children].map((row) => this.adopt(row));
      this.many = this.input.multiple ? +field.box.dataset.many || 10 : 1;
      this.max = +field.box.dataset.max;
      this.kinds = (field.box.dataset.kinds || "").split(" ").filter(Boolean);
      this.input.addEventListener("change", () => {
        const chosen = [...this.input.files];
        this.input.value = ""; // the same file may be chosen again
        this.add(chosen);
      });
      const drop = field.box.querySelector("[data-drop]");
      for (const [kind, over] of [["dragenter", 1], ["dragover", 1], ["dragleave", 0], ["drop", 0]]) {
        drop.addEventListener(kind, (e) => {
          e.preventDefault();
          drop.toggleAttribute("data-over", !!over);
          if (kind == "drop") this.add(e.dataTransfer.files);
        });
      }
    }

    add(chosen) {
      for (const file of chosen) {
        if (this.many == 1) this.clear();
        const item = this.item(file);
        this.list.push(item);
        item.fault = this.check(file);
        if (item.fault) this.show(item, size(file.size, this.texts), "data-bad");
        else this.upload(item);
      }
      if (this.fault()) this.owner.mark(this.field, this.fault());
      else this.owner.heal(this.field);
    }

    check(file) {
      const ext = /\.([^.]+)$/.exec(file.name);
      if (this.list.length > this.many) return fill(this.texts.tooMany, { n: this.many });
      if (file.size > this.max) return fill(this.texts.tooLarge, { name: file.name, limit: this.field.box.dataset.limit });
      if (this.kinds.length && !this.kinds.includes(ext ? ext[1].toLowerCase() : "")) return fill(this.texts.wrongKind, { name: file.name, kinds: this.field.box.dataset.accepts });
      return "";
    }

    item(file) {
      const row = this.field.box.querySelector("template[data-item]").content.cloneNode(true).firstElementChild;
      const item = { file, row, name: file.name };
      row.querySelector("[data-name]").textContent = file.name;
      const remove = row.querySelector("[data-remove]");
      remove.setAttribute("aria-label", fill(this.texts.remove, { name: file.name }));
      remove.addEventListener("click", () => this.remove(item, true));
      row.querySelector("[data-again]").addEventListener("click", () => { this.input.focus(); this.upload(item); });
      if (/^image\/(png|jpe?g|gif|webp)$/.test(file.type)) {
        const img = document.createElement("img");
        img.alt = "";
        img.src = item.picture = URL.createObjectURL(file);
        row.querySelector("[data-thumb]").replaceChildren(img);
      }
      this.rows.append(row);
      return item;
    }

    // adopt takes over a file that the server has kept while other fields were refused.
    adopt(row) {
      const hidden = row.querySelector("input[type=hidden]");
      const item = { row, token: hidden.value, name: row.querySelector("[data-name]").textContent, uploaded: Promise.resolve() };
      hidden.remove();
      const drop = row.querySelector("[data-dropping]");
      const remove = document.createElement("button");
      Object.assign(remove, { type: "button", className: "styk-remove", textContent: "\u00d7" });
      remove.setAttribute("aria-label", fill(this.texts.remove, { name: item.name }));
      remove.addEventListener("click", () => this.remove(item, true));
      drop.replaceWith(remove);
      return item;
    }

    fault() { const bad = this.list.find((item) => item.fault); return bad ? bad.fault : ""; }

    remove(item, focus) {
      this.list = this.list.filter((other) => other != item);
      item.gone = true;
      if (item.xhr) item.xhr.abort();
      if (item.picture) URL.revokeObjectURL(item.picture);
      item.row.remove();
      if (focus) this.input.focus();
      this.owner.heal(this.field);
    }

    clear() { for (const item of [...this.list]) this.remove(item); }

    show(item, text, state) {
      item.row.querySelector("[data-state]").textContent = text;
      for (const s of ["data-bad", "data-moving", "data-cut", "data-ready"]) item.row.toggleAttribute(s, s == state);
    }

    upload(item) {
      item.uploaded = this.push(item, 0).catch((err) => {
        if (item.gone) return;
        item.cut = !(err instanceof Refused && err.status < 500);
        item.fault = item.cut ? "" : (err.errors[0] && err.errors[0].message) || this.texts.failed;
        this.show(item, item.cut ? this.texts.uploadCut : size(item.file.size, this.texts), item.cut ? "data-cut" : "data-bad");
        if (item.fault) this.owner.mark(this.field, item.fault);
      });
    }

    async push(item, go) {
      try {
        item.cut = false;
        item.token = (await this.transfer(item)).token;
        this.show(item, size(item.file.size, this.texts), "data-ready");
      } catch (err) {
        if (item.gone || go == PAUSES.length || (err instanceof Refused && err.status < 500 && err.status != 408)) throw err;
        this.show(item, this.texts.retrying, "data-moving");
        await sleep(PAUSES[go]);
        return this.push(item, go + 1);
      }
    }

    transfer(item) {
      return new Promise((resolve, reject) => {
        const xhr = (item.xhr = new XMLHttpRequest());
        const bar = item.row.querySelector("progress");
        const started = performance.now();
        let stalled;
        const watchdog = () => { clearTimeout(stalled); stalled = setTimeout(() => xhr.abort(), PATIENCE); };
        xhr.upload.addEventListener("progress", (e) => {
          watchdog();
          const percent = Math.floor((e.loaded / e.total) * 100);
          item.percent = bar.value = percent;
          const rate = e.loaded / Math.max(0.2, (performance.now() - started) / 1e3);
          this.show(item, fill(this.texts.moving, { percent, rate: size(rate, this.texts) }), "data-moving");
        });
        xhr.addEventListener("loadend", () => {
          clearTimeout(stalled);
          let answer = null;
          try { answer = JSON.parse(xhr.responseText); } catch { /* a proxy's page, or nothing */ }
          if (xhr.status == 201 && answer) resolve(answer);
          else reject(xhr.status ? new Refused(xhr.status, answer) : new TypeError("network"));
        });
        xhr.open("POST", `${this.owner.action}/files?field=${encodeURIComponent(this.field.name)}&name=${encodeURIComponent(item.file.name)}`);
        xhr.setRequestHeader("Accept", "application/json");
        xhr.setRequestHeader("Content-Type", "application/octet-stream");
        this.show(item, fill(this.texts.moving, { percent: 0, rate: size(0, this.texts) }), "data-moving");
        watchdog();
        xhr.send(item.file);
      });
    }

    // settled waits for the uploads and tells how far they are.
    async settled(say) {
      for (const item of this.list) {
        if (item.cut) this.upload(item);
        const telling = setInterval(() => item.token || say(fill(this.texts.uploading, { name: item.name, percent: item.percent || 0 })), 500);
        await item.uploaded;
        clearInterval(telling);
        if (item.fault) throw Object.assign(new Error("file"), { fault: [[this.field, item.fault]] });
        if (item.cut) throw new TypeError("network");
      }
    }
  }

  function size(bytes, texts) {
    const units = texts.units.split(" ");
    let n = 0;
    while (bytes >= 1000 && n < units.length - 1) { bytes /= 1024; n++; }
    return bytes.toFixed(bytes < 10 && n ? 1 : 0).replace(".", texts.point) + "\u00a0" + units[n];
  }

  // copying makes the copy buttons below el work and visible.
  function copying(el) {
    for (const button of el.querySelectorAll("[data-copy]")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        const number = el.querySelector("[data-number]");
        try {
          await navigator.clipboard.writeText(number.textContent);
        } catch { // no permission, or no https
          const range = document.createRange();
          range.selectNodeContents(number);
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          document.execCommand("copy");
        }
        el.querySelector("[data-copied]").textContent = button.dataset.copy;
      });
    }
  }

  // watch looks for the CRM's number until it comes, ever more seldom.
  async function watch(url, panel) {
    for (const pause of LOOKS) {
      await sleep(pause);
      if (!panel.isConnected) return;
      try {
        const answer = await (await fetch(url, { credentials: "omit", headers: { Accept: "application/json" } })).json();
        if (answer.crm_number) {
          panel.querySelector("[data-later]").hidden = true;
          panel.querySelector("[data-crm]").textContent = answer.crm_number;
          panel.querySelector("[data-came]").hidden = false;
          return;
        }
      } catch { /* the next look may do */ }
    }
  }

  // the ways onto a page

  let policy = { createHTML: (html) => html };
  try { if (window.trustedTypes) policy = trustedTypes.createPolicy("styk", policy); } catch { /* not listed there */ }

  // <styk-form form="feedback" [open="button"] [lang] [theme] [label]>fallback</styk-form>
  class StykForm extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      this.attachShadow({ mode: "open" }).append(document.createElement("slot"));
      this.page = `${base}f/${encodeURIComponent(this.getAttribute("form") || "")}`;
      if (this.getAttribute("open") == "button") return this.offerButton();
      if (!this.style.minHeight) {
        this.style.minHeight = (this.getAttribute("height") || 640) + "px"; // nothing jumps when the form comes
        this.reserved = true;
      }
      this.style.display = this.style.display || "block";
      this.load(this.shadowRoot);
    }

    theme() {
      const wish = this.getAttribute("theme") || "auto";
      if (wish != "auto") return wish;
      const aware = getComputedStyle(document.documentElement).colorScheme.includes("dark");
      return aware ? "auto" : "light"; // a dark form on a page that is always light would stand out
    }

    async part() {
      const query = new URLSearchParams({ embed: "part", theme: this.theme() });
      if (this.lang) query.set("lang", this.lang);
      const response = await fetch(`${this.page}?${query}`, { credentials: "omit" });
      if (!response.ok) throw new Error(`${this.page}: ${response.status}`);
      return new DOMParser().parseFromString(policy.createHTML(await response.text()), "text/html");
    }

    // load puts the form into at; until it is there, and when it does not come,
    // what the page's author wrote inside the tag is seen.
    async load(at, done) {
      try {
        const root = (await this.part()).querySelector(".styk");
        root.hidden = true;
        for (const img of root.querySelectorAll("img[src]")) img.src = new URL(img.getAttribute("src"), base).href;
        await this.dressed(at, root);
        for (const slot of at.querySelectorAll("slot")) slot.remove();
        root.hidden = false;
        this.style.minHeight = "";
        this.controller = new Form(root.querySelector("form"), this);
        if (done) done();
      } catch (err) {
        console.warn("styk: the form did not come", err);
        this.style.minHeight = this.reserved ? "" : this.style.minHeight;
        addEventListener("online", () => this.load(at, done), { once: true });
        if (done) done(err);
      }
    }

    // dressed puts el into at and waits until it has its style.
    dressed(at, el) {
      const styles = ["static/form.css", el.dataset.dress].filter(Boolean).map((path) => {
        const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(path, base).href });
        const ready = new Promise((go) => { link.onload = link.onerror = go; });
        at.append(link);
        return ready;
      });
      at.append(el);
      return Promise.all(styles);
    }

    async offerButton() {
      const open = Object.assign(document.createElement("button"), { type: "button", className: "styk-open", hidden: true });
      // The words inside the tag name the button; they may still be on their way.
      const words = document.createElement("slot");
      words.textContent = "Оставить заявку";
      if (this.hasAttribute("label")) open.textContent = this.getAttribute("label");
      else open.append(words);
      open.part = "open";
      open.setAttribute("aria-haspopup", "dialog");
      const box = Object.assign(document.createElement("div"), { className: "styk styk-trigger" });
      box.dataset.theme = this.theme();
      box.append(open);
      open.addEventListener("click", () => this.openDialog());
      await this.dressed(this.shadowRoot, box);
      open.hidden = false;
      this.shadowRoot.querySelector("slot").remove(); // the first one, outside the button
    }

    openDialog() {
      let dialog = this.shadowRoot.querySelector("dialog");
      if (!dialog) {
        dialog = document.createElement("dialog");
        if (!dialog.showModal) return location.assign(this.page); // Safari before 15.4
        dialog.className = "styk-dialog";
        dialog.part = "dialog";
        const wait = document.createElement("p");
        wait.className = "styk-wait";
        wait.setAttribute("role", "status");
        wait.textContent = "…";
        dialog.append(wait);
        this.shadowRoot.append(dialog);
        this.load(dialog, (err) => {
          if (err) return location.assign(this.page);
          wait.remove();
          const close = dialog.querySelector("[data-close]");
          close.hidden = false;
          close.addEventListener("click", () => dialog.close());
          dialog.setAttribute("aria-labelledby", dialog.querySelector("[data-title-of-form]").id);
          if (dialog.open) dialog.querySelector("[data-field] :is(input, select, textarea)").focus();
        });
      }
      dialog.showModal();
    }
  }

  window.StykForm = StykForm;
  customElements.define("styk-form", StykForm);

  function start() {
    for (const form of document.querySelectorAll("form[data-styk]")) new Form(form);
    for (const panel of document.querySelectorAll("[data-panel]")) {
      copying(panel);
      if (panel.dataset.panel) watch(panel.dataset.panel, panel);
    }
    if (document.documentElement.hasAttribute("data-framed") && parent != window) {
      const tell = () => parent.postMessage({ styk: "height", height: Math.ceil(document.body.getBoundingClientRect().height) }, "*");
      new ResizeObserver(tell).observe(document.body);
    }
  }

  // An iframe of ours grows with its form.
  addEventListener("message", (e) => {
    if (e.origin != new URL(base).origin || !e.data || e.data.styk != "height") return;
    for (const frame of document.querySelectorAll("iframe")) {
      if (frame.contentWindow == e.source) frame.style.height = Math.min(Math.max(+e.data.height || 0, 100), 20000) + "px";
    }
  });

  // <script async src=".../styk.js" data-form="feedback">
  if (script.dataset.form) {
    const tag = document.createElement("styk-form");
    for (const name of ["form", "open", "lang", "theme", "label", "height"]) {
      if (script.dataset[name]) tag.setAttribute(name, script.dataset[name]);
    }
    script.after(tag);
  }
  if (document.readyState == "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
