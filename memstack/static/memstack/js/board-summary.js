// <board-summary src="…">: the upper part of the dashboard, drawn anew by the server while tasks come and go.
//
// Soon after something happened, but never more often than every few seconds; and now and then, because ages and the
// workers' signs of life go on without an event. What is opened stays open, and the focus where it was.

import { stream } from "./stream.js";

const SOONEST = 3_000;
const AT_LEAST = 20_000;

class BoardSummary extends HTMLElement {
  connectedCallback() {
    if (!stream) return;
    this.listening = new AbortController();
    const { signal } = this.listening;
    this.drawn = performance.now();
    for (const type of ["task", "gap"]) stream.addEventListener(type, () => this.soon(SOONEST), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.soon(0), { signal });
    stream.start();
    this.soon(AT_LEAST);
  }

  disconnectedCallback() {
    this.listening?.abort();
    clearTimeout(this.timer);
  }

  soon(pause) {
    const due = this.drawn + pause;
    if (this.due !== undefined && this.due <= due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => this.refresh(), Math.max(due - performance.now(), 0));
  }

  async refresh() {
    this.due = undefined;
    if (!document.hidden) await this.read();
    this.drawn = performance.now();
    if (this.isConnected && !document.hidden) this.soon(AT_LEAST);
  }

  async read() {
    try {
      const response = await fetch(this.getAttribute("src"), { headers: { Accept: "text/html" }, cache: "no-store" });
      if (response.ok && !response.redirected) this.draw(await response.text());
    } catch (error) {
      if (document.documentElement.dataset.debug === "on") console.log("[board]", error.message);
    }
  }

  draw(html) {
    const open = [...this.querySelectorAll("details[open]")].map((details) => details.id);
    const focused = this.contains(document.activeElement) && document.activeElement.getAttribute("href");
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    for (const id of open) fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
    this.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
    if (focused) this.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
}

customElements.define("board-summary", BoardSummary);
