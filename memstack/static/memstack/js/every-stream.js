// The stream of all projects, for staff: the same events as a project's stream, numbered by each project for itself.
//
// A page of all projects shows the state it was drawn with; on each connection it is told to read the state anew.

const TYPES = ["progress", "completed", "failed", "cancelled"];
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
const POLL_EVERY = 5_000;
const FAILURES_BEFORE_POLLING = 3;
const REMEMBERED = 500; // tasks

export class EveryStream extends EventTarget {
  // Events: "task", "open", "gap", "state", as of a project's stream.
  constructor(address) {
    super();
    this.address = address;
    this.state = "connecting";
    this.failures = 0;
    this.latest = new Map();
  }

  start() {
    if (this.started) return;
    this.started = true;
    addEventListener("pagehide", () => this.rest());
    addEventListener("pageshow", (event) => event.persisted && this.run());
    addEventListener("online", () => this.retry());
    this.run();
  }

  run() {
    if (document.documentElement.dataset.streams === "off") this.setState("polling");
    else this.connect();
  }

  rest() {
    this.source?.close();
    clearTimeout(this.timer);
    this.setState("connecting");
  }

  retry() {
    if (this.state !== "live") this.connect();
  }

  distrust() {
    if (this.state === "live") this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    this.source?.close();
    const source = new EventSource(this.address);
    this.source = source;
    source.onopen = () => this.opened();
    source.addEventListener("error", (event) => this.failed(Boolean(event.data)));
    source.addEventListener("reset", () => this.gap());
    for (const type of TYPES) source.addEventListener(type, (event) => this.heard(JSON.parse(event.data)));
  }

  opened() {
    this.failures = 0;
    this.setState("live");
    this.gap(); // what happened since the page was drawn
  }

  failed(forGood) {
    this.source.close();
    this.failures += 1;
    this.setState(forGood || this.failures >= FAILURES_BEFORE_POLLING ? "polling" : "reconnecting");
    if (forGood) return;
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.failures - 1));
    this.timer = setTimeout(() => this.connect(), delay * (0.5 + Math.random()));
  }

  heard(data) {
    this.latest.delete(data.id);
    this.latest.set(data.id, data);
    if (this.latest.size > REMEMBERED) this.latest.delete(this.latest.keys().next().value);
    this.dispatchEvent(new CustomEvent("task", { detail: data }));
  }

  gap() {
    this.dispatchEvent(new Event("gap"));
  }

  setState(state) {
    if (state === this.state) return;
    this.state = state;
    clearInterval(this.poller);
    if (state === "polling") this.poller = setInterval(() => document.hidden || this.gap(), POLL_EVERY);
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
    if (state === "live") this.dispatchEvent(new Event("open"));
  }
}
