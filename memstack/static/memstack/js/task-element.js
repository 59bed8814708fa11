// What a task's card and its row have in common: the state, and the rule which news are news.

import { stream } from "./stream.js";

const TERMINAL = new Set(["completed", "failed", "cancelled"]);
const STATE_WORDS = {
  pending: "Waiting", processing: "Running", completed: "Completed", failed: "Failed", cancelled: "Cancelled",
};

export function isTerminal(status) {
  return TERMINAL.has(status);
}

export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value > 0 && value < 0.1) return `${Math.max(Math.round(value * 1000), 1)} ms`;
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 90) return `${Math.round(value)} s`;
  if (value < 5400) return `${Math.round(value / 60)} min`;
  return `${(value / 3600).toFixed(1)} h`;
}

// Each change of a task has the next number, in its events as in its row; what has ended does not change any more.
export function isNewer(next, now) {
  return !TERMINAL.has(now.status) && next.seq > now.seq;
}

export class TaskElement extends HTMLElement {
  connectedCallback() {
    this.state ??= this.read();
    if (!stream || this.listening) return;
    this.listening = new AbortController();
    const { signal } = this.listening;
    stream.addEventListener("task", (event) => event.detail.id === this.task && this.apply(event.detail), { signal });
    this.listen(signal);
    stream.start();
    const told = stream.latest.get(this.task);
    if (told) this.apply(told);
  }

  disconnectedCallback() {
    this.listening?.abort();
    this.listening = undefined;
  }

  listen() {}

  get task() {
    return this.getAttribute("task");
  }

  get terminal() {
    return TERMINAL.has(this.state.status);
  }

  // The state that the server drew, from the element's attributes.
  read() {
    const { status, attempt, seq, progress } = this.dataset;
    const message = this.part("stage")?.textContent;
    return { status, message, attempt: Number(attempt), seq: Number(seq), progress: Number(progress) };
  }

  part(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }

  say(name, text) {
    const part = this.part(name);
    if (part && part.textContent !== text) part.textContent = text;
  }

  apply(next) {
    if (!isNewer(next, this.state)) return false;
    this.state = next;
    this.dataset.seq = next.seq;
    this.dataset.status = next.status;
    this.say("state", STATE_WORDS[next.status] ?? next.status);
    this.say("stage", next.error || next.message || "");
    this.say("percent", `${next.progress} %`);
    this.bar(next.progress);
    return true;
  }

  bar(percent) {
    const bar = this.querySelector("progress");
    if (!bar) return;
    bar.value = percent;
    bar.setAttribute("aria-valuenow", percent);
    bar.textContent = `${percent} %`;
  }
}
