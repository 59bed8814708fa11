// <connection-notice>: says in words that the live connection is gone and what the page does meanwhile. It can be tried
// again and dismissed, and goes by itself when the connection is back.

import { stream } from "./stream.js";

const PATIENCE = 1000; // a break that is over within it is no news
const DISMISSED = "memstack-streams-off-dismissed";
const WORDS = {
  reconnecting: "The live connection broke. It is tried again; nothing is lost meanwhile.",
  polling: "No live connection can be had. This page asks for news every few seconds, and goes on trying.",
  off: "Live streams are turned off on this server (MEMSTACK_STREAMS=off). This page asks for news every few seconds.",
};

class ConnectionNotice extends HTMLElement {
  connectedCallback() {
    if (!stream) return;
    this.addEventListener("click", (event) => this.clicked(event.target.dataset.action));
    stream.addEventListener("state", () => this.changed());
    this.changed();
  }

  get box() {
    return this.querySelector("div");
  }

  changed() {
    if (stream.state === "live") this.dismissed = false;
    if (stream.state === "live" || stream.state === "connecting") this.hide();
    else if (!this.box.hidden) this.show();
    else this.timer ??= setTimeout(() => this.show(), PATIENCE);
  }

  show() {
    this.timer = undefined;
    if (this.dismissed || !WORDS[stream.state] || (stream.state === "off" && remembered())) return;
    this.say(WORDS[stream.state]);
    this.querySelector('[data-action="retry"]').hidden = stream.state === "off";
    this.box.hidden = false;
  }

  hide() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.box.hidden = true;
    this.say("");
  }

  // Twice: a screen reader tells of what changes in a place that was there before, and the box was not.
  say(words) {
    for (const part of this.querySelectorAll("p")) part.textContent = words;
  }

  clicked(action) {
    if (action === "retry") stream.retry();
    if (action !== "dismiss") return;
    this.dismissed = true;
    if (stream.state === "off") remember();
    this.hide();
  }
}

// A browser may refuse storage; then the notice shows on each page.
function remembered() {
  try {
    return sessionStorage.getItem(DISMISSED) === "yes";
  } catch {
    return false;
  }
}

function remember() {
  try {
    sessionStorage.setItem(DISMISSED, "yes");
  } catch {
    // see above
  }
}

customElements.define("connection-notice", ConnectionNotice);
