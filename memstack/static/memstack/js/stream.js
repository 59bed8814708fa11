// The page's one source of events: the project's stream. Everything else on the page subscribes here.
//
// The page was drawn at the event number in <html data-position>, and the stream is asked for what came after it. Tabs
// of one project share a connection: who holds the Web Lock connects and passes events on over a BroadcastChannel.
// A connection that fails is tried again, later each time; after three failures the page polls, and goes on trying.

import { EveryStream } from "./every-stream.js";

const root = document.documentElement;
const TYPES = ["progress", "completed", "failed", "cancelled"];
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
const POLL_EVERY = 5_000;
const FAILURES_BEFORE_POLLING = 3;

function log(...words) {
  if (root.dataset.debug === "on") console.log("[stream]", ...words);
}

class ProjectStream extends EventTarget {
  // Events: "task" (detail: the data of a task's event), "open" (connected anew), "gap" (read the state anew),
  // "state" (detail: connecting, live, reconnecting, polling).
  constructor(project, position) {
    super();
    this.project = project;
    this.position = position;
    this.state = "connecting";
    this.failures = 0;
    this.name = `memstack-${project}`;
  }

  start() {
    if (this.started) return;
    this.started = true;
    if (root.dataset.streams === "off") {
      this.setState("polling");
      return;
    }
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
    addEventListener("pagehide", () => this.stop());
    addEventListener("pageshow", (event) => event.persisted && this.join());
    this.join();
  }

  join() {
    if (!navigator.locks || !globalThis.BroadcastChannel) {
      this.lead();
      return;
    }
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = (message) => this.hear(message.data);
    this.channel.postMessage({ ask: true });
    this.abort = new AbortController();
    navigator.locks
      .request(this.name, { signal: this.abort.signal }, () => {
        this.lead();
        return new Promise((release) => (this.release = release));
      })
      .catch((error) => log("no lock", error.name));
  }

  stop() {
    log("stopped");
    this.leading = false;
    this.source?.close();
    clearTimeout(this.timer);
    clearTimeout(this.poller);
    this.poller = undefined;
    this.release?.();
    this.abort?.abort();
    this.channel?.close();
    this.channel = undefined;
  }

  // --- the tab that follows

  hear(message) {
    if (message.ask) {
      if (this.leading) this.tell({ state: this.state, position: this.position });
    } else if (!this.leading) {
      if (message.event) this.take(message.event);
      if (message.gap) this.dispatchEvent(new Event("gap"));
      if (message.state) this.follow(message);
    }
  }

  follow({ state, position }) {
    const behind = position !== null && this.position !== null && position > this.position;
    if (position !== null) this.position = Math.max(position, this.position ?? 0);
    if (state === "live" && this.state !== "live") this.dispatchEvent(new Event("open"));
    if (behind) this.dispatchEvent(new Event("gap"));
    this.setState(state);
  }

  tell(message) {
    if (this.leading) this.channel?.postMessage(message);
  }

  // --- the tab that leads

  lead() {
    this.leading = true;
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    this.source?.close();
    const from = this.position === null ? "" : `?lastEventId=project-${this.project}:${this.position}`;
    log("connecting", from);
    const source = new EventSource(`/api/v1/projects/${this.project}/stream${from}`);
    this.source = source;
    source.onopen = () => this.opened();
    source.addEventListener("error", (event) => this.failed(event.data));
    source.addEventListener("reset", (event) => this.reset(event.lastEventId));
    for (const type of TYPES) source.addEventListener(type, (event) => this.received(event));
  }

  opened() {
    log("open");
    this.failures = 0;
    this.setState("live");
    this.tell({ state: "live", position: this.position });
    this.dispatchEvent(new Event("open"));
  }

  failed(data) {
    this.source.close();
    if (!this.leading) return;
    this.failures += 1;
    log("failed", this.failures, data ?? "");
    const polling = Boolean(data) || this.failures >= FAILURES_BEFORE_POLLING;
    this.setState(polling ? "polling" : "reconnecting");
    this.tell({ state: this.state, position: this.position });
    if (data) return; // the server has said that it is of no use to come back
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.failures - 1));
    this.timer = setTimeout(() => this.connect(), delay * (0.5 + Math.random()));
  }

  retryNow() {
    if (!this.leading || this.state === "live") return;
    this.failures = Math.min(this.failures, FAILURES_BEFORE_POLLING);
    this.connect();
  }

  // The stream was silent while something happened: open it anew.
  distrust() {
    if (this.leading && this.state === "live") this.connect();
  }

  reset(id) {
    this.position = numberOf(id);
    log("reset", this.position);
    this.tell({ gap: true });
    this.dispatchEvent(new Event("gap"));
  }

  received(event) {
    const message = { number: numberOf(event.lastEventId), data: JSON.parse(event.data) };
    this.tell({ event: message });
    this.take(message);
  }

  take({ number, data }) {
    if (number !== null && this.position !== null && number <= this.position) return;
    const gap = number !== null && this.position !== null && number > this.position + 1;
    this.position = number ?? this.position;
    log(number, data.id, data.status, data.progress, data.message);
    this.dispatchEvent(new CustomEvent("task", { detail: data }));
    if (gap) this.dispatchEvent(new Event("gap"));
  }

  // --- where the connection stands

  setState(state) {
    if (state === "polling") this.poller ??= setTimeout(() => this.poll(), POLL_EVERY);
    else {
      clearTimeout(this.poller);
      this.poller = undefined;
    }
    if (state === this.state) return;
    this.state = state;
    log("state", state);
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }

  poll() {
    this.poller = setTimeout(() => this.poll(), POLL_EVERY * (0.8 + 0.4 * Math.random()));
    if (!document.hidden) this.dispatchEvent(new Event("gap"));
  }
}

function numberOf(id) {
  const number = Number.parseInt(id?.slice(id.lastIndexOf(":") + 1), 10);
  return Number.isNaN(number) ? null : number;
}

const { project, position } = root.dataset;
const every = root.dataset.stream; // the address of the stream of all projects, on pages over all of them
export const stream = project ? new ProjectStream(project, Number(position)) : every ? new EveryStream(every) : null;
