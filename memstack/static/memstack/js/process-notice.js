// <process-notice>: the banners of processes that are missing come and go with them. The server drew what was so then.

import { get } from "./api.js";
import { log } from "./debug.js";

const EVERY = 10_000;
const EVERY_WHILE_MISSING = 3_000;
const LOOKS = 2; // a process that is only late with its sign of life is not missing

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
    const pause = this.querySelector("[data-process]:is([data-looks], :not([hidden]))") ? EVERY_WHILE_MISSING : EVERY;
    this.timer = setTimeout(() => this.look(), pause * (0.8 + 0.4 * Math.random()));
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
      const looks = states[banner.dataset.process]?.ok === false ? Number(banner.dataset.looks ?? 0) + 1 : 0;
      if (looks) banner.dataset.looks = looks;
      else delete banner.dataset.looks;
      banner.hidden = banner.hidden ? looks < LOOKS : !looks;
    }
  }
}

customElements.define("process-notice", ProcessNotice);
