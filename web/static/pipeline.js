// The pipeline's numbers, replaced as they change.

import { announce } from "./common.js";
import { watch } from "./live.js";

const place = document.querySelector("[data-pipeline]");
let shown = "";
let building = null;

watch((state) => {
  if (state.pipeline !== shown) {
    shown = state.pipeline;
    const page = new DOMParser().parseFromString(state.pipeline, "text/html");
    place.replaceChildren(...page.body.childNodes);
  }
  const now = state.building.join(", ");
  if (building !== null && now !== building) {
    announce(now ? `In work: ${now}` : `No longer in work: ${building}`);
  }
  building = now;
});
