"use strict";

// The keys of the board, each a button of the page, and picks that are dragged; after board.js.

function step(by) {
  const where = side();
  const all = items(where);
  const at = all.indexOf(document.activeElement.closest("[data-paper]"));
  const to = at < 0 ? all.indexOf(current(where)) : at + by;
  if (all[to]) go(all[to]);
  else if (by > 0) list.querySelector(".more a")?.click();
}

function press(key) {
  const item = current();
  const button = item?.querySelector(`:scope > .buttons [data-key=${key}], :scope > .buttons .menu > [data-key=${key}]`);
  if (!button) return;
  go(item);
  button.click();
  if (button.matches("summary")) button.nextElementSibling.querySelector("button").focus();
}

function move(key) {
  const paper = current()?.dataset.paper;
  const pick = paper && find(picks, paper);
  pick?.querySelector(`[data-key=${key}]`)?.click();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  p: () => press("p"),
  h: () => press("h"),
  n: () => press("n"),
  x: () => current(list)?.querySelector("[name=papers]").click(),
  u: () => (undo.disabled ? say("There is nothing to undo.") : undo.click()),
  o: () => go(side() === list ? find(picks, current(list)?.dataset.paper) || current(picks) : current(list)),
  J: () => move("J"),
  K: () => move("K"),
  "/": () => document.querySelector("#id_q").focus(),
  "?": () => keys.showModal(),
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  const editor = target.closest(".editor");
  if (editor && key === "Enter" && (event.ctrlKey || event.metaKey)) {
    editor.requestSubmit(editor.querySelector("[type=submit]"));
    event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
  const menu = document.querySelector(".menu[open]");
  if (key === "Escape" && (menu || editor)) {
    if (!menu) return close(editor);
    menu.open = false;
    menu.querySelector("summary").focus();
    return;
  }
  if (target.closest("input:not([type=checkbox]), textarea, select, .editor")) return;
  const choice = menu?.querySelectorAll("button")[Number(key) - 1];
  const does = choice ? () => choice.click() : KEYS[event.shiftKey || "?/".includes(key) ? key : key.toLowerCase()];
  if (!does) return;
  event.preventDefault();
  does();
});

// Drag a pick by its grip.

let dragged, home;
picks.addEventListener("dragstart", (event) => {
  dragged = event.target.closest(".grip")?.closest("li");
  if (!dragged) return;
  home = dragged.nextSibling;
  dragged.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setDragImage(dragged, 10, 10);
});
picks.addEventListener("dragover", (event) => {
  const over = event.target.closest(".picks > li");
  if (!dragged || !over) return;
  event.preventDefault();
  const box = over.getBoundingClientRect();
  const below = event.clientY > box.top + box.height / 2;
  if (over !== dragged) over[below ? "after" : "before"](dragged);
});
picks.addEventListener("drop", (event) => {
  if (!dragged) return;
  event.preventDefault();
  post(change, null, { do: `place:${dragged.dataset.paper}:${items(picks).indexOf(dragged)}` });
});
picks.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("dragged");
  dragged.parentElement.insertBefore(dragged, home); // until the answer tells what is stored
  dragged = null;
});

change.querySelector("[data-keys]").hidden = false;
