// Doorward's own script. Every page works without it: it only copies, filters, reveals and asks.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);

function announce(text) {
  const live = byId("live");
  if (live) live.textContent = text;
}

// navigator.clipboard is missing on plain HTTP, where Doorward is often tried first.
async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copying was refused");
}

function copyButtons() {
  for (const button of all("[data-copy]")) {
    const source = byId(button.dataset.copy);
    if (!source) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = "value" in source ? source.value : source.textContent;
      try {
        await copyText(text);
        button.textContent = "Copied";
        announce("Copied");
      } catch {
        getSelection().selectAllChildren(source);
        button.textContent = "Press Ctrl+C";
        announce("Could not copy. The text is selected: press Ctrl+C.");
      }
      button.focus();
      setTimeout(() => { button.textContent = "Copy"; }, 2500);
    });
  }
}

function passwordToggles() {
  for (const button of all("[data-toggle-password]")) {
    const input = byId(button.dataset.togglePassword);
    if (!input) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      const show = input.type === "password";
      input.type = show ? "text" : "password";
      button.textContent = show ? "Hide" : "Show";
      button.setAttribute("aria-pressed", String(show));
    });
    // A password left visible must not stay in the browser's form history.
    if (input.form) input.form.addEventListener("submit", () => { input.type = "password"; });
  }
}

function dialogs() {
  for (const opener of all("[data-dialog]")) {
    const dialog = byId(opener.dataset.dialog);
    if (!dialog || !dialog.showModal) continue;
    const open = (event) => { event.preventDefault(); dialog.showModal(); };
    opener.addEventListener("click", open);
    opener.addEventListener("keydown", (event) => { if (event.key === " ") open(event); });
    for (const close of all("[data-dialog-close]", dialog)) {
      close.addEventListener("click", (event) => { event.preventDefault(); dialog.close(); opener.focus(); });
      close.addEventListener("keydown", (event) => { if (event.key === " ") { event.preventDefault(); close.click(); } });
    }
  }
}

function filters() {
  const plain = (text) => text.toLocaleLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  for (const input of all("[data-filter]")) {
    const list = byId(input.dataset.filter);
    if (!list) continue;
    const rows = all("[data-filter-text]", list).map((row) => [row, plain(row.dataset.filterText)]);
    const empty = byId(input.dataset.filterEmpty);
    const apply = () => {
      const words = plain(input.value).split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const [row, text] of rows) {
        row.hidden = !words.every((word) => text.includes(word));
        if (!row.hidden) shown += 1;
      }
      for (const group of all("[data-filter-group]", list)) {
        group.hidden = !group.querySelector("[data-filter-text]:not([hidden])");
      }
      if (empty) empty.hidden = shown > 0;
      if (words.length) announce(`${shown} of ${rows.length} shown`);
    };
    input.hidden = false;
    input.addEventListener("input", apply);
    // Enter in a filter inside a form would send the form.
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    if (input.value) apply();
  }
}

function originCheck() {
  for (const box of all("[data-public-url]")) {
    try {
      if (new URL(box.dataset.publicUrl).origin === location.origin) continue;
    } catch { /* a public URL that cannot be read is wrong as well */ }
    for (const place of all("[data-origin]", box)) place.textContent = location.origin;
    box.hidden = false;
    announce(box.textContent.trim());
  }
}

// The slug follows the name until somebody types a slug.
function slugs() {
  for (const slug of all("[data-slug-from]")) {
    const name = byId(slug.dataset.slugFrom);
    if (!name) continue;
    let own = slug.value !== "";
    slug.addEventListener("input", () => { own = slug.value !== ""; });
    name.addEventListener("input", () => {
      if (own) return;
      slug.value = name.value.toLowerCase().replace(/ß/g, "ss").normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 50);
    });
  }
}

// Two clicks must not send a form twice; a page restored by "back" must be usable again.
function onceOnly() {
  const sent = new WeakSet();
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (sent.has(event.target)) event.preventDefault();
    else sent.add(event.target);
    setTimeout(() => sent.delete(event.target), 3000);
  });
}

copyButtons();
passwordToggles();
dialogs();
filters();
originCheck();
slugs();
onceOnly();
const focus = document.querySelector("[data-focus]");
if (focus) focus.focus();
// A frame that never ends loading keeps no one here: the page's own refresh waits for it.
const onward = document.querySelector("a[data-go-on]");
if (onward) setTimeout(() => location.replace(onward.href), 5000);
