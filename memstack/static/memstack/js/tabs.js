// One connection for all tabs of the browser, for HTTP/1.1 has six to a server: the tab that holds the Web Lock connects
// and passes on what it hears over a BroadcastChannel. When it goes, the next in the lock's queue goes on from where the
// tabs stand. A tab that is looked at and hears nothing asks; when nobody answers, it takes the lock: browsers freeze
// hidden tabs. Without locks (plain HTTP on another machine) each tab connects for itself while it is looked at.

import { Connection } from "./connection.js";
import { log } from "./debug.js";

const NAME = "memstack-stream";
const LOOK_EVERY = 5_000;
const SILENCE = 20_000;
const ANSWER_WITHIN = 3_000;

export class Tabs extends EventTarget {
  // Events: "message" (detail: {number, data}), "reset" (detail: number), "state" (detail: {state, number}).
  constructor(project, position) {
    super();
    this.project = project;
    this.position = position; // a function: the number of the last event that this tab has had
    this.id = globalThis.crypto?.randomUUID?.() ?? String(Math.random());
    this.members = new Map();
    document.addEventListener("visibilitychange", () => this.seen());
  }

  join() {
    this.joined = true;
    if (!navigator.locks || !globalThis.BroadcastChannel) {
      this.alone();
      return;
    }
    this.channel = new BroadcastChannel(NAME);
    this.channel.onmessage = (message) => this.hear(message.data);
    this.watch = setInterval(() => this.look(), LOOK_EVERY);
    this.hello();
    this.queue();
  }

  leave() {
    this.joined = false;
    this.say({ bye: this.id });
    clearInterval(this.watch);
    this.retire();
    this.turn?.abort();
    this.channel?.close();
    this.channel = undefined;
  }

  retry(overdue = false) {
    if (this.connection) this.connection.retry(overdue);
    else this.say({ retry: true, overdue });
  }

  distrust() {
    if (this.connection) this.connection.distrust();
    else this.say({ distrust: true });
  }

  say(message) {
    this.channel?.postMessage(message);
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // --- whose turn it is

  queue(steal = false) {
    const turn = new AbortController();
    this.turn = turn;
    const options = steal ? { steal } : { signal: turn.signal };
    navigator.locks
      .request(NAME, options, () => this.lead(turn.signal))
      .catch((error) => turn.signal.aborted || this.lost(error));
  }

  lead(signal) {
    log("tabs", "this tab connects");
    this.members.clear();
    this.connect();
    this.say({ lead: true });
    return new Promise((release) => signal.addEventListener("abort", release));
  }

  lost(error) {
    log("tabs", "the lock is gone:", error.name);
    this.retire();
    if (error.name !== "AbortError") {
      this.alone(); // the browser allows no locks here
      return;
    }
    this.queue();
    this.hello();
  }

  alone() {
    log("tabs", "each tab connects for itself");
    this.single = true;
    if (!document.hidden) this.connect();
  }

  retire() {
    this.connection?.close();
    this.connection = undefined;
  }

  seen() {
    if (!this.joined) return;
    if (!this.single) {
      if (document.hidden) return;
      this.retry();
      this.look();
    } else if (document.hidden) this.retire();
    else this.connect();
  }

  // --- the tab that connects

  connect() {
    const connection = new Connection();
    this.connection = connection;
    connection.addEventListener("message", ({ detail }) => {
      this.say({ event: detail });
      this.pass(detail);
    });
    connection.addEventListener("reset", ({ detail }) => {
      this.say({ reset: detail });
      this.restart(detail);
    });
    connection.addEventListener("state", ({ detail }) => {
      this.say({ state: detail });
      this.emit("state", { state: detail });
    });
    connection.follow(this.project, this.position());
  }

  serve({ hello, bye, retry, overdue, distrust }) {
    if (hello) this.welcome(hello);
    if (bye) this.dismiss(bye);
    if (retry) this.connection.retry(overdue);
    if (distrust) this.connection.distrust();
  }

  welcome({ tab, project, position }) {
    this.members.set(tab, project);
    const events = this.connection.follow(project, position);
    const number = this.connection.positions.get(project);
    this.say({ welcome: tab, events, number, state: this.connection.state });
  }

  dismiss(tab) {
    const project = this.members.get(tab);
    this.members.delete(tab);
    if (project !== this.project && ![...this.members.values()].includes(project)) this.connection.forget(project);
  }

  // --- the tabs that listen

  hello() {
    this.welcomed = false;
    this.asked = performance.now();
    this.say({ hello: { tab: this.id, project: this.project, position: this.position() } });
  }

  hear(message) {
    if (this.connection) {
      this.serve(message);
      return;
    }
    if (message.lead) this.hello();
    if (message.welcome === this.id) this.begin(message);
    if (!this.welcomed || message.welcome) return;
    this.heard = performance.now();
    if (message.event) this.pass(message.event);
    if (message.reset) this.restart(message.reset);
    if (message.state) this.emit("state", { state: message.state });
  }

  begin({ events, number, state }) {
    this.welcomed = true;
    this.asked = undefined;
    this.heard = performance.now();
    events.forEach((event) => this.pass(event));
    this.emit("state", { state, number });
  }

  pass({ project, number, data }) {
    if (project === this.project) this.emit("message", { number, data });
  }

  restart(numbers) {
    if (this.project in numbers) this.emit("reset", numbers[this.project]);
  }

  look() {
    if (document.hidden) return;
    this.retry(true);
    if (this.connection) return;
    const now = performance.now();
    if (this.asked === undefined && now - this.heard > SILENCE) this.hello();
    else if (now - this.asked > ANSWER_WITHIN) {
      log("tabs", "nobody answers: this tab takes over");
      this.turn.abort();
      this.queue(true);
    }
  }
}
