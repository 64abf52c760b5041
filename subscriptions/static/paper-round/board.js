"use strict";

// The buttons save at once and change their card; without this script they post and come back.

document.documentElement.classList.add("scripted");

const change = document.querySelector("#change");
const picks = document.querySelector("#picks");
const list = document.querySelector(".cards");
const keys = document.querySelector("#keys");
const line = document.querySelector("[data-said]");
const undo = change.querySelector("[value=undo]");
const places = { cards: "", picks: "" }; // the paper last looked at in each
let queue = Promise.resolve(); // changes are made in the order of the keys

const items = (where) => [...where.querySelectorAll("[data-paper]:not([data-paper=''])")];
const find = (where, paper) => items(where).find((item) => item.dataset.paper === paper);
const side = () => (picks.contains(document.activeElement) ? picks : list);

function current(where = side()) {
  const here = document.activeElement.closest("[data-paper]");
  if (here?.dataset.paper && where.contains(here)) return here;
  return find(where, where === picks ? places.picks : places.cards) || items(where)[0];
}

function go(item) {
  if (!item) return;
  item.focus({ preventScroll: true });
  item.scrollIntoView({ block: "nearest" });
}

function say(text, wrong = false) {
  line.textContent = text;
  line.classList.toggle("wrong", wrong);
}

async function ask(url, body) {
  const answer = await fetch(url, { method: body ? "POST" : "GET", body, headers: { Accept: "application/json" } });
  if (answer.headers.get("Content-Type") !== "application/json") {
    const why = answer.status === 403 ? "you may not do this, or have to log in again" : `the answer was ${answer.status}`;
    throw new Error(answer.redirected ? "log in again first" : why);
  }
  return [answer.ok, await answer.json()];
}

// Put new HTML where old was, with the focus and any editor that is open where they were.
function replace(old, html, parts) {
  const active = document.activeElement;
  const focused = old.contains(active) && active.closest("[data-paper]");
  const editors = [...old.querySelectorAll(".editor")].map((editor) => [editor.closest("[data-paper]").dataset.paper, editor]);
  const typing = focused && active.closest(".editor") && active;
  const now = parts(html);
  const all = now.matches("[data-paper]") ? [now] : items(now);
  for (const [paper, editor] of editors) {
    all.find((item) => item.dataset.paper === paper)?.querySelector(".slot").append(editor);
  }
  if (active.id && !active.isConnected) document.getElementById(active.id)?.focus();
  else if (typing?.isConnected) typing.focus();
  else if (focused) go(all.find((item) => item.dataset.paper === focused.dataset.paper) || all[0]);
}

function show(answer) {
  for (const [paper, html] of Object.entries(answer.cards)) {
    const card = find(list, paper);
    if (!card) continue;
    const selected = card.querySelector("[name=papers]").checked;
    replace(card, html, (text) => {
      card.insertAdjacentHTML("afterend", text);
      const now = card.nextElementSibling;
      card.remove();
      now.querySelector("[name=papers]").checked = selected;
      return now;
    });
  }
  replace(picks, answer.picks, (text) => {
    picks.innerHTML = text;
    return picks;
  });
  undo.disabled = !answer.undo;
}

function tell(from, text) {
  say(text, true);
  const add = from?.matches(".add") && picks.querySelector(".add");
  const item = add || (from?.isConnected ? from : from && find(side(), from.dataset.paper));
  const told = item?.querySelector(".told");
  if (told) told.textContent = text;
}

function post(form, button, more = {}) {
  const body = new FormData(form, button);
  for (const [name, value] of Object.entries(more)) body.set(name, value);
  const from = (button || form).closest("[data-paper]");
  const bulk = form === change && !String(body.get("do")).includes(":");
  queue = queue.then(async () => {
    try {
      const [done, answer] = await ask(form.action, body);
      if (answer.editor) {
        const slot = form.parentElement;
        fill(slot, answer.editor);
        slot.firstElementChild.dataset.refused = "";
        return;
      }
      if (done && form.matches(".editor")) {
        const item = form.closest("[data-paper]");
        form.remove();
        go(item);
      }
      show(answer);
      if (!done) {
        tell(from, answer.said);
        if (form.matches(".add")) picks.querySelector("#named").value = body.get("named");
        return;
      }
      say(answer.said);
      if (bulk && body.get("do") !== "undo") select([]);
    } catch (error) {
      tell(from, `Not saved: ${error.message}.`);
    }
  });
}

// The editor of a pick, in place.

const drafts = new Map(); // what was typed in editors that were closed without saving

function fill(slot, html) {
  slot.innerHTML = html;
  const note = slot.querySelector("textarea");
  const paper = slot.closest("[data-paper]").dataset.paper;
  if (drafts.has(paper)) note.value = drafts.get(paper);
  drafts.delete(paper);
  note.focus();
  preview(note);
}

async function edit(link) {
  const slot = link.closest("[data-paper]").querySelector(".slot");
  say("");
  if (slot.firstElementChild) return slot.querySelector("textarea").focus();
  try {
    fill(slot, (await ask(link.href))[1].editor);
  } catch (error) {
    tell(link.closest("[data-paper]"), `Not opened: ${error.message}.`);
  }
}

function close(editor) {
  const item = editor.closest("[data-paper]");
  if (changed(editor)) drafts.set(item.dataset.paper, editor.elements.note.value);
  editor.remove();
  go(item);
}

function changed(editor) {
  const note = editor.elements.note;
  return "refused" in editor.dataset || note.value !== note.defaultValue;
}

addEventListener("beforeunload", (event) => {
  if ([...document.querySelectorAll(".editor")].some(changed)) event.preventDefault();
});

let waiting;
async function preview(note) {
  const form = note.closest(".editor");
  const shown = form.querySelector("[data-shown]");
  const text = note.value;
  shown.hidden = !text.trim();
  if (shown.hidden) return;
  const body = new FormData();
  for (const name of ["csrfmiddlewaretoken", "note"]) body.set(name, form.elements[name].value);
  try {
    const [, answer] = await ask(form.dataset.preview, body);
    if (note.value !== text) return;
    shown.querySelector(".note").innerHTML = answer.html || "";
    shown.querySelector("[data-left]").textContent = `(${answer.said})`;
  } catch {
    shown.hidden = true;
  }
}

// Many at once, and the next papers.

const boxes = () => [...list.querySelectorAll("[name=papers]")];

function select(papers) {
  for (const box of boxes()) box.checked = papers.includes(box.value);
  count();
}

function count() {
  change.querySelector("[data-selected]").textContent = `${boxes().filter((box) => box.checked).length} selected:`;
}

async function load(link) {
  const place = link.closest(".more");
  try {
    const [, answer] = await ask(link.href);
    const there = new Set(items(list).map((item) => item.dataset.paper));
    const next = document.createElement("ol");
    next.innerHTML = answer.cards;
    const fresh = items(next).filter((item) => !there.has(item.dataset.paper));
    for (const item of items(next)) if (!fresh.includes(item)) item.parentElement.remove();
    place.replaceWith(...next.children);
    go(fresh[0]);
  } catch (error) {
    say(`Not loaded: ${error.message}.`, true);
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || !form.closest("#content")) return;
  event.preventDefault();
  const menu = event.submitter?.closest(".menu");
  if (menu) {
    menu.open = false;
    go(menu.closest("[data-paper]"));
  }
  post(form, event.submitter);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (event.target.closest("[data-keys]")) keys.showModal();
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.matches("[data-key=n]")) edit(link);
  else if (link.matches("[data-close]")) close(link.closest(".editor"));
  else if (link.closest(".more")) load(link);
  else return;
  event.preventDefault();
});

document.addEventListener("input", (event) => {
  if (!event.target.matches(".editor textarea")) return;
  clearTimeout(waiting);
  waiting = setTimeout(preview, 150, event.target);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[name=papers]")) count();
});

document.addEventListener("focusin", (event) => {
  const item = event.target.closest("[data-paper]");
  if (item?.dataset.paper) places[picks.contains(item) ? "picks" : "cards"] = item.dataset.paper;
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (menu.matches(".menu[open]")) menu.lastElementChild.scrollIntoView({ block: "nearest" });
}, true);

count();
go(document.getElementById(location.hash.slice(1)));
