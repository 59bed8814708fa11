// <process-notice>: the banners of processes that are missing come and go with them. The server drew what was so then.

import { get } from "./api.js";
import { log } from "./debug.js";

const EVERY = 10_000;
const EVERY_WHILE_MISSING = 3_000;

class ProcessNotice extends HTMLElement {
  connectedCallback() {
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    this.later();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  later() {
    clearTimeout(this.timer);
    const missing = this.querySelector("[data-process]:not([hidden])");
    this.timer = setTimeout(() => this.look(), (missing ? EVERY_WHILE_MISSING : EVERY) * (0.8 + 0.4 * Math.random()));
  }

  async look() {
    try {
      if (!document.hidden) this.draw(await get("/readyz"));
    } catch (error) {
      log("processes", error.message);
    }
    this.later();
  }

  draw(states) {
    for (const banner of this.querySelectorAll("[data-process]")) {
      banner.hidden = states[banner.dataset.process]?.ok !== false;
    }
  }
}

customElements.define("process-notice", ProcessNotice);
