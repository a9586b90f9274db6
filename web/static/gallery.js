// The gallery: older images when the end comes near, a viewer, the keyboard, and news.

import { announce, parts } from "./common.js";
import { watch } from "./live.js";

const tiles = document.querySelector("[data-tiles]");
const viewer = document.querySelector("[data-viewer]");
const content = viewer.querySelector("[data-viewer-content]");
const search = document.querySelector("#text");
const MOST_TILES = 3000;
const NEWS_EVERY_MS = 1500;

const links = () => [...tiles.querySelectorAll("[data-image]")];

// Older images

let loading = false;

async function loadOlder() {
  const link = document.querySelector("[data-older]");
  if (!link || loading || tiles.children.length >= MOST_TILES) return;
  loading = true;
  try {
    const page = await parts(link.href, "main");
    const found = [...page.querySelectorAll("[data-tiles] > li")];
    tiles.append(...found);
    const next = page.querySelector("[data-older]");
    if (next) { link.href = next.href; } else { link.closest("p").remove(); }
    if (found.length) announce(`${found.length} more images`);
  } catch (error) {
    link.textContent = `${error.message} Try again`;
    observer.disconnect();
    return;
  } finally {
    loading = false;
  }
  // It may still be in sight, and then nothing would cross the line again.
  watchEnd();
}

const observer = new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) loadOlder();
}, { rootMargin: "1200px" });

function watchEnd() {
  observer.disconnect();
  const link = document.querySelector("[data-older]");
  if (link) observer.observe(link);
}
watchEnd();

// The viewer

let shown = null;

async function view(link, { push }) {
  shown = link;
  content.textContent = "Loading …";
  if (!viewer.open) viewer.showModal();
  history[push ? "pushState" : "replaceState"]({ viewer: true }, "", link.href);
  try {
    const article = await parts(link.href, "[data-article]");
    if (shown !== link) return;
    content.replaceChildren(article);
    content.scrollTop = 0;
    announce(article.querySelector("h1")?.textContent || "");
  } catch (error) {
    content.textContent = error.message;
  }
}

async function step(by) {
  const all = links();
  const at = all.indexOf(shown) + by;
  if (at >= all.length - 5) loadOlder();
  if (all[at]) await view(all[at], { push: false });
}

tiles.addEventListener("click", (event) => {
  const link = event.target.closest("[data-image]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  view(link, { push: true });
});
viewer.querySelector("[data-close]").addEventListener("click", () => viewer.close());
viewer.querySelector("[data-previous]").addEventListener("click", () => step(-1));
viewer.querySelector("[data-next]").addEventListener("click", () => step(1));
viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
viewer.addEventListener("close", () => {
  // The browser tells it with the next frame; by then Forward may have opened it again.
  if (viewer.open) return;
  content.replaceChildren();
  if (history.state?.viewer) history.back();
  shown?.focus();
});
addEventListener("popstate", () => {
  const link = links().find((one) => one.pathname === location.pathname);
  if (link) { view(link, { push: false }); } else if (viewer.open) { viewer.close(); }
});

// The keyboard

function isTyping(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

function move(key) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  if (at < 0) { all[0]?.focus(); return; }
  const top = all[0].getBoundingClientRect().top;
  const across = all.findIndex((link) => link.getBoundingClientRect().top > top + 8);
  const columns = across > 0 ? across : all.length;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  all[at + by]?.focus();
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (viewer.open) {
    // Up and down scroll what is shown.
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      event.preventDefault();
      step(event.key === "ArrowLeft" ? -1 : 1);
    }
    return;
  }
  if (event.key === "/") { event.preventDefault(); search.focus(); search.select(); }
  const isSide = event.key === "ArrowLeft" || event.key === "ArrowRight";
  const isInTiles = tiles.contains(document.activeElement);
  if (isSide || (isInTiles && (event.key === "ArrowUp" || event.key === "ArrowDown"))) {
    event.preventDefault();
    move(event.key);
  }
});
search.addEventListener("keydown", (event) => { if (event.key === "Escape") search.blur(); });

// A form that is sent carries only what was filled in, which makes addresses that can be read.
document.querySelector(".filters").addEventListener("submit", (event) => {
  for (const field of event.target.elements) {
    if (field.name && !field.value) field.disabled = true;
  }
});
addEventListener("pageshow", () => {
  for (const field of document.querySelector(".filters").elements) field.disabled = false;
});

// News

const news = document.querySelector(".news");
let askedAt = 0;
let known = null;
let waiting = null;

async function look() {
  waiting = null;
  askedAt = Date.now();
  const answer = await fetch(news.dataset.newer).catch(() => null);
  if (!answer?.ok) return;
  const { count, more } = await answer.json();
  if (!count) return;
  const text = `${count}${more ? "+" : ""} new ${count === 1 ? "image" : "images"}`;
  if (news.textContent !== text) announce(text);
  news.textContent = text;
  news.hidden = false;
}

watch((state) => {
  const first = known === null;
  const changed = state.images !== known;
  known = state.images;
  if (first || !changed || waiting || !news.dataset.newer) return;
  waiting = setTimeout(look, Math.max(0, askedAt + NEWS_EVERY_MS - Date.now()));
});
