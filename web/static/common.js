// What several scripts need. It does nothing by itself, so it may be loaded more than once.

/** Tell people who cannot see it. */
export function announce(text) {
  const announcer = document.querySelector("[data-announce]");
  if (announcer) announcer.textContent = text;
}

/** A part of another page of this server. */
export async function parts(address, selector) {
  // Past the browser's cache, in which a second request waits for an earlier one of the same address.
  const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (answer.redirected) { location.href = answer.url; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok) throw new Error(page.querySelector("main bdi")?.textContent || "It cannot be read now.");
  return page.querySelector(selector);
}
