// <live-list id="…" refresh="new completed" kinds="…">: a list that reads itself anew from the server's own page.
//
// "new": when an event tells of a task that no row shows. "completed": when a task (of one of the kinds) has completed.
// task-of="…": when that task comes to another stage. Each: after a gap in the stream. Rows with the same data-key stay as they are; new ones fade in at their place.

import { log } from "./debug.js";
import { CONNECTION_WORDS, stream } from "./stream.js";

const PAUSE = 600;
const FIRST_RETRY = 2_500;
const LONGEST_RETRY = 60_000;

let reading;

async function readPage() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok || response.redirected) throw new Error(`The server answered ${response.status}.`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, PAUSE));
}

// Lists that ask at the same moment share one request.
function page() {
  if (!reading) {
    reading = readPage();
    setTimeout(() => (reading = undefined));
  }
  return reading;
}

class LiveList extends HTMLElement {
  connectedCallback() {
    if (!stream) return;
    this.known = new Set();
    this.retry = FIRST_RETRY;
    this.listening = new AbortController();
    const { signal } = this.listening;
    stream.addEventListener("task", (event) => this.heard(event.detail), { signal });
    stream.addEventListener("gap", () => this.refresh(), { signal });
    stream.addEventListener("state", (event) => this.connection(event.detail), { signal });
    this.connection(stream.state);
    stream.start();
  }

  disconnectedCallback() {
    this.listening?.abort();
  }

  connection(state) {
    const part = this.querySelector('[data-part="list-connection"]');
    if (!part) return;
    part.hidden = state === "live" || state === "connecting";
    part.dataset.state = state;
    part.textContent = CONNECTION_WORDS[state];
  }

  heard({ id, name, status, stage }) {
    if (this.getAttribute("task-of") === id && this.stage !== `${status} ${stage}`) {
      this.stage = `${status} ${stage}`;
      this.refresh();
    }
    const kinds = this.getAttribute("kinds");
    if (kinds && !kinds.split(" ").includes(name)) return;
    const modes = (this.getAttribute("refresh") ?? "").split(" ");
    if (modes.includes("completed") && status === "completed") this.refresh();
    if (modes.includes("new") && !this.known.has(id) && !this.querySelector(`[task="${CSS.escape(id)}"]`)) {
      this.known.add(id); // a row that another page or filter shows is asked for once
      this.refresh();
    }
  }

  async refresh() {
    if (this.waiting) return;
    this.waiting = true;
    try {
      await pause();
      this.waiting = false; // what is heard from here on asks for another reading
      const fresh = (await page()).getElementById(this.id);
      if (fresh) this.merge(fresh);
      this.retry = FIRST_RETRY;
    } catch (error) {
      log("list", this.id, error.message);
      setTimeout(() => this.isConnected && this.refresh(), this.retry);
      this.retry = Math.min(LONGEST_RETRY, 2 * this.retry);
    }
  }

  merge(fresh) {
    const mine = this.querySelector("[data-rows]");
    const theirs = fresh.querySelector("[data-rows]");
    log("list", this.id, "drawn anew");
    if (mine && theirs) this.mergeRows(mine, theirs);
    else this.replace(fresh);
    this.connection(stream.state);
  }

  // Who had the focus on a link keeps it, if the link is still there.
  replace(fresh) {
    const focused = this.contains(document.activeElement) && document.activeElement.getAttribute("href");
    this.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
    if (focused) this.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  mergeRows(mine, theirs) {
    const rows = new Map([...mine.children].map((row) => [row.dataset.key, row]));
    let place = null;
    for (const row of theirs.children) {
      const old = rows.get(row.dataset.key);
      const next = old && sameTask(old, row) ? update(old, row) : draw(row, old);
      if (!next.isConnected) mine.insertBefore(next, place ? place.nextSibling : mine.firstChild);
      place = next;
    }
  }
}

function sameTask(old, row) {
  return old.querySelector("task-row")?.getAttribute("task") === row.querySelector("task-row")?.getAttribute("task");
}

function update(old, row) {
  const fresh = row.querySelector("task-row");
  if (fresh) old.querySelector("task-row").adopt?.(fresh);
  return old;
}

function draw(row, old) {
  const next = document.importNode(row, true);
  if (old) old.replaceWith(next);
  else next.classList.add("fresh");
  return next;
}

customElements.define("live-list", LiveList);
