// The page's one source of events: its project's stream. Everything else on the page subscribes here.
//
// The page was drawn at the event number in <html data-position>, and the stream is asked for what came after it. While
// there is no stream, subscribers are told every few seconds to read the state anew.

import { log } from "./debug.js";
import { Tabs } from "./tabs.js";

import { EveryStream } from "./every-stream.js";

const root = document.documentElement;
const POLL_EVERY = 5_000;
const REMEMBERED = 500; // tasks

// Where the connection stands, in few words.
export const CONNECTION_WORDS = {
  connecting: "Connecting", live: "Live", reconnecting: "Reconnecting",
  polling: "No live connection: asking every few seconds",
  off: "Live streams are off: asking every few seconds",
};

class ProjectStream extends EventTarget {
  // Events: "task" (detail: the data of a task's event), "open" (connected anew), "gap" (read the state anew),
  // "state" (detail: connecting, live, reconnecting, polling, off).
  constructor(project, position) {
    super();
    this.project = project;
    this.position = position;
    this.state = "connecting";
    this.latest = new Map();
  }

  start() {
    if (this.started) return;
    this.started = true;
    addEventListener("pagehide", () => this.rest());
    addEventListener("pageshow", (event) => event.persisted && this.run());
    document.addEventListener("visibilitychange", () => document.hidden || !this.poller || this.poll());
    if (root.dataset.streams !== "off") this.share();
    this.run();
  }

  share() {
    this.tabs = new Tabs(this.project, () => this.position);
    this.tabs.addEventListener("message", ({ detail }) => this.take(detail));
    this.tabs.addEventListener("reset", ({ detail }) => this.jump(detail));
    this.tabs.addEventListener("state", ({ detail }) => this.follow(detail));
    addEventListener("online", () => this.tabs.retry());
  }

  run() {
    if (this.tabs) this.tabs.join();
    else this.setState("off");
  }

  // The page goes, maybe to come back from the browser's memory as it was left.
  rest() {
    this.tabs?.leave();
    this.setState("connecting");
  }

  retry() {
    this.tabs?.retry();
  }

  distrust() {
    if (this.state === "live") this.tabs.distrust();
  }

  take({ number, data }) {
    if (number <= this.position) return;
    const gap = number > this.position + 1;
    this.position = number;
    log("event", number, data.name, data.id, data.status, data.progress, data.message);
    this.remember(data);
    this.dispatchEvent(new CustomEvent("task", { detail: data }));
    if (gap) this.gap();
  }

  // The newest event of each task, for rows that come into the page: they were drawn by the server a moment before.
  remember(data) {
    this.latest.delete(data.id);
    this.latest.set(data.id, data);
    if (this.latest.size > REMEMBERED) this.latest.delete(this.latest.keys().next().value);
  }

  jump(number) {
    this.position = number;
    this.gap();
  }

  follow({ state, number }) {
    this.setState(state);
    if (number > this.position) this.jump(number); // too far behind to be told one by one
  }

  gap() {
    log("stream", "reading the state anew");
    this.dispatchEvent(new Event("gap"));
  }

  setState(state) {
    if (state === this.state) return;
    log("stream", "is", state);
    this.state = state;
    clearTimeout(this.poller);
    this.poller = undefined;
    if (state === "polling" || state === "off") this.pollLater();
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
    if (state === "live") this.dispatchEvent(new Event("open"));
  }

  poll() {
    this.pollLater();
    if (!document.hidden) this.gap();
  }

  pollLater() {
    clearTimeout(this.poller);
    this.poller = setTimeout(() => this.poll(), POLL_EVERY * (0.8 + 0.4 * Math.random()));
  }
}

const { project, position } = root.dataset;
const every = root.dataset.stream; // the address of the stream of all projects, on pages over all of them
export const stream = project ? new ProjectStream(project, Number(position)) : every ? new EveryStream(every) : null;
