// What changes on the server, as it changes. A page that nobody looks at does not listen.

const status = document.querySelector("[data-live-status]");
const BEGIN_MS = 1000;
const LONGEST_MS = 30000;

function show(text, isOn) {
  status.hidden = false;
  status.textContent = text;
  status.classList.toggle("on", isOn);
}

/** Call `listener` with each state that the server tells. */
export function watch(listener) {
  let source = null;
  let wait = BEGIN_MS;
  let timer = null;

  function open() {
    if (source || document.hidden) return;
    source = new EventSource("/live");
    source.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      wait = BEGIN_MS;
      show(state.reachable ? "Live" : "No database", state.reachable);
      listener(state);
    });
    source.addEventListener("error", () => {
      // The browser tries again by itself when the connection breaks, but not after a refusal.
      show("Connecting …", false);
      if (source && source.readyState === EventSource.CLOSED) {
        close();
        timer = setTimeout(open, wait);
        wait = Math.min(LONGEST_MS, wait * 2);
      }
    });
  }

  function close() {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { close(); show("Paused", false); } else { open(); }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}
