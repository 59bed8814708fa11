// An EventSource for the projects that tabs show. One that fails is tried again, later each time; after three failures
// the pages are told to poll meanwhile.

import { log } from "./debug.js";

const TYPES = ["progress", "completed", "failed", "cancelled"];
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
const OPEN_WITHIN = 10_000;
const FAILURES_BEFORE_POLLING = 3;
const GATHER = 30; // tabs that come within this time share one request
const KEPT = 500; // events that a tab may be behind and still get one by one

export class Connection extends EventTarget {
  // Events: "message" (detail: {project, number, data}), "reset" (detail: {project: number}: read the state anew),
  // "state" (detail: connecting, live, reconnecting, polling).
  constructor() {
    super();
    this.positions = new Map();
    this.recent = [];
    this.state = "connecting";
    this.failures = 0;
    this.silent = 0;
  }

  // Follows a project from its event number `position` on; returns what this connection has had of it since then.
  follow(project, position) {
    const mine = this.positions.get(project);
    const had = this.recent.filter((message) => message.project === project && message.number > position);
    const whole = position >= mine || had[0]?.number === position + 1;
    if (mine !== undefined && (whole || mine - position > KEPT)) return had;
    this.recent = this.recent.filter((message) => message.project !== project);
    this.positions.set(project, position);
    this.soon ??= setTimeout(() => this.connect(), GATHER);
    return [];
  }

  forget(project) {
    this.positions.delete(project);
  }

  url() {
    const projects = [...this.positions.keys()];
    const last = projects.map((project) => `project-${project}:${this.positions.get(project)}`).join(",");
    if (projects.length === 1) return `/api/v1/projects/${projects[0]}/stream?lastEventId=${last}`;
    return `/api/v1/stream?${projects.map((project) => `project=${project}&`).join("")}lastEventId=${last}`;
  }

  connect() {
    this.close();
    const url = this.url();
    log("stream", "connecting", url);
    const source = new EventSource(url);
    this.source = source;
    this.timer = setTimeout(() => this.failed("no answer"), OPEN_WITHIN);
    source.onopen = () => this.opened();
    source.addEventListener("error", (event) => this.failed(event.data));
    source.addEventListener("reset", (event) => this.reset(event.lastEventId));
    for (const type of TYPES) source.addEventListener(type, (event) => this.received(event));
  }

  close() {
    clearTimeout(this.soon);
    clearTimeout(this.timer);
    this.soon = this.timer = undefined;
    this.source?.close();
  }

  opened() {
    log("stream", "open");
    clearTimeout(this.timer);
    this.timer = undefined;
    this.failures = 0;
    this.setState(this.silent > 1 ? "polling" : "live");
  }

  failed(why) {
    this.close();
    this.failures += 1;
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.failures - 1)) * (0.5 + Math.random());
    log("stream", `failure ${this.failures}, next try in ${Math.round(delay)} ms`, why ?? "");
    this.retryAt = Date.now() + delay;
    this.timer = setTimeout(() => this.connect(), delay);
    this.setState(this.failures < FAILURES_BEFORE_POLLING ? "reconnecting" : "polling");
  }

  // Connects now; `overdue`: only where a timer should have done so, for browsers slow the timers of hidden tabs.
  retry(overdue = false) {
    if (this.state === "live" || (overdue && !(Date.now() > this.retryAt))) return;
    if (overdue && this.source?.readyState === EventSource.CONNECTING) return;
    this.connect();
  }

  // It was silent while something happened: open it anew. If that happens again, something on the way holds events back.
  distrust() {
    this.silent += 1;
    this.connect();
  }

  reset(id) {
    const found = Object.fromEntries(numbers(id));
    log("stream", "reset", found);
    this.recent = [];
    for (const project in found) if (this.positions.has(project)) this.positions.set(project, found[project]);
    this.dispatchEvent(new CustomEvent("reset", { detail: found }));
  }

  // The id names the place in every project of the stream; the one that has moved on is the event's.
  received(event) {
    this.silent = 0;
    if (this.state !== "live") this.setState("live");
    for (const [project, number] of numbers(event.lastEventId)) {
      if (number === (this.positions.get(project) ?? number)) continue;
      const message = { project, number, data: JSON.parse(event.data) };
      this.positions.set(project, number);
      this.recent = [...this.recent.slice(1 - KEPT), message];
      this.dispatchEvent(new CustomEvent("message", { detail: message }));
    }
  }

  setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}

// "project-<id>:<number>,…" → [[id, number], …]
function numbers(id) {
  return id.split(",").map((place) => {
    const [project, number] = place.slice("project-".length).split(":");
    return [project, Number(number)];
  });
}
