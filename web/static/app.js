// What every page has: the light and dark switch, copy buttons, parts that are loaded when opened.

import { announce, parts } from "./common.js";

const root = document.documentElement;

function isDark() {
  if (root.classList.contains("dark")) return true;
  return !root.classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  const toggle = document.querySelector("[data-theme-toggle]");
  if (!toggle) return;
  const show = () => { toggle.textContent = isDark() ? "Light" : "Dark"; };
  toggle.setAttribute("title", "Switch between light and dark");
  toggle.hidden = false;
  show();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  toggle.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    root.classList.remove("light", "dark");
    root.classList.add(next);
    try { localStorage.setItem("theme", next); } catch { /* for this page only, then */ }
    show();
  });
}

async function copy(text) {
  if (navigator.clipboard && isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Over plain http there is only the old way.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  (document.querySelector("dialog[open]") || document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const scope = button.closest("[data-article]") || document;
  const label = button.textContent;
  try {
    await copy(scope.querySelector(`#${CSS.escape(button.dataset.copy)}`).textContent);
    button.textContent = "Copied";
    announce("Copied");
  } catch {
    button.textContent = "Could not copy: select the text";
  }
  setTimeout(() => { button.textContent = label; }, 1500);
});

// A details element that is opened for the first time loads what it shows. ("toggle" does not bubble.)
document.addEventListener("toggle", async (event) => {
  const details = event.target;
  if (!(details instanceof HTMLDetailsElement) || !details.open || !details.dataset.load) return;
  const address = details.dataset.load;
  delete details.dataset.load;
  const place = details.querySelector("summary + div");
  place.textContent = "Reading …";
  try {
    place.replaceChildren(...(await parts(address, "[data-loaded]")).childNodes);
  } catch (error) {
    place.textContent = `${error.message} Close this and open it to try again.`;
    details.dataset.load = address;
  }
}, true);

// An image that was opened in the gallery and then loaded again is a page of its own, but for the
// browser still the gallery's: going back, it would change the address and nothing else.
const loaded = location.pathname;
addEventListener("popstate", () => {
  const isGallery = document.querySelector("[data-viewer]") !== null;
  if (location.pathname !== loaded && !isGallery) location.reload();
});

switchTheme();
