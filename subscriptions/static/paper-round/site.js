"use strict";

// Everything here is a convenience: the pages work without it.

document.querySelector(".problems")?.focus();

const zone = document.querySelector("select[data-propose-zone]");
if (zone) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((option) => option.value === here)) {
    zone.value = here;
    document.querySelector("[data-zone-note]")?.removeAttribute("hidden");
  }
}

const preview = document.querySelector("#preview");
if (preview) {
  document.querySelector("[data-no-script]").hidden = true;
  // Where the browser kept what was ticked before, the preview shows it.
  addEventListener("load", () => {
    const form = document.querySelector("#sign-up");
    const filled = form.querySelector("input[name=topics]:checked") ||
      [...form.querySelectorAll("textarea")].some((area) => area.value.trim());
    if (filled && !preview.querySelector("ol")) htmx.trigger(preview, "refresh");
  });
}

const topics = document.querySelector("[data-topics]");
if (topics) {
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const chips = [...topics.querySelectorAll(".topic")].map((chip) => [
    chip,
    fold(`${chip.closest("fieldset").querySelector("legend").textContent} ${chip.textContent}`),
  ]);
  const search = topics.querySelector("input[type=search]");
  const chosen = topics.querySelector(".chosen");
  const nothing = topics.querySelector("[data-nothing]");

  const filter = () => {
    const words = fold(search.value).split(/\s+/).filter(Boolean);
    topics.classList.toggle("filtering", words.length > 0);
    for (const [chip, text] of chips) chip.hidden = !words.every((word) => text.includes(word));
    for (const group of topics.querySelectorAll("fieldset")) {
      group.hidden = !group.querySelector(".topic:not([hidden])");
    }
    nothing.hidden = chips.some(([chip]) => !chip.hidden);
  };
  const count = () => {
    const ticked = topics.querySelectorAll("input[name=topics]:checked").length;
    const { one, many } = chosen.dataset;
    chosen.textContent = ticked === 1 ? one : many.replace("#", ticked);
  };

  search.closest("[hidden]").hidden = false;
  chosen.hidden = false;
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  topics.addEventListener("change", count);
  count();
}
