// <task-progress task="…">: a task's card, live until it ends. What the server drew inside works without this script.

import { get, post } from "./api.js";
import { TaskElement, isTerminal, seconds } from "./task-element.js";
import { CONNECTION_WORDS, stream } from "./stream.js";

const QUIET = 30_000;
const MOMENT = 1000;
const REDIRECT_AFTER = 1500;

function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

// "412 of 980"; of a fetch "1.2 MB of 3.4 MB", and "1.2 MB so far" where nobody knows the whole. The server's counter_words.
function counterWords({ done, total, stage }) {
  const written = stage === "fetch_start" ? bytes : String;
  if (total) return `${written(done ?? 0)} of ${written(total)}`;
  return done ? `${written(done)} so far` : "";
}

// {communities_count: 4, edges: 1} → "4 communities, 1 edge", the same as the server's result_words
function resultWords(result) {
  return Object.entries(result ?? {})
    .filter(([, value]) => Number.isInteger(value))
    .map(([key, value]) => {
      const [name, ...rest] = key.replace(/_count$/, "").split("_");
      const one = name.endsWith("ies") ? `${name.slice(0, -3)}y` : name.replace(/s$/, "");
      return [value.toLocaleString("en-US"), value === 1 ? one : name, ...rest].join(" ");
    })
    .join(", ");
}

class TaskProgress extends TaskElement {
  connectedCallback() {
    super.connectedCallback();
    if (!stream) return;
    this.heard = performance.now();
    this.since = performance.now() - 1000 * Number(this.dataset.elapsed || 0);
    this.addEventListener("submit", (event) => this.submitted(event), { signal: this.listening.signal });
    this.timer = setInterval(() => this.tick(), 1000);
    this.connection(stream.state);
    if (this.terminal) this.ended();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.timer);
    clearTimeout(this.judging);
  }

  listen(signal) {
    stream.addEventListener("state", (event) => this.connection(event.detail), { signal });
    stream.addEventListener("open", () => this.check(), { signal });
    stream.addEventListener("gap", () => this.refetch(), { signal });
  }

  connection(state) {
    const part = this.part("connection");
    if (!part) return;
    part.hidden = this.terminal;
    part.dataset.state = state;
    part.textContent = CONNECTION_WORDS[state];
  }

  async refetch() {
    const row = await this.row();
    if (row) this.apply(row);
  }

  // The task's row; null when there is none to be had, or when the card follows another task by now.
  async row() {
    if (this.terminal) return null;
    const task = this.task;
    try {
      const row = await get(`/api/v1/tasks/${task}`);
      return task === this.task ? row : null;
    } catch (error) {
      if (error.status === 404) this.say("stage", "This task is gone; its memory or project was deleted.");
      return null;
    }
  }

  // Looks whether the stream has told what the row says. It gets a moment to do so: it brings every stage, the row the
  // last one alone.
  async check() {
    this.heard = performance.now();
    const row = await this.row();
    if (!row) return;
    clearTimeout(this.judging);
    this.judging = setTimeout(() => row.id === this.task && this.apply(row) && stream.distrust(), MOMENT);
  }

  apply(next) {
    const before = this.state;
    if (!super.apply(next)) return false;
    this.heard = performance.now();
    if (next.attempt !== before.attempt || before.status === "pending") this.since = performance.now();
    this.say("counter", counterWords(next));
    this.say("eta", next.eta_seconds ? `about ${seconds(next.eta_seconds)} left` : "");
    if (next.message !== before.message || next.status !== before.status) {
      this.say("announce", `${this.part("state")?.textContent}. ${next.error || next.message || ""}`);
    }
    if (isTerminal(next.status)) this.ended(next);
    return true;
  }

  tick() {
    if (this.terminal) return;
    if (this.state.status === "processing") this.say("elapsed", seconds(Math.round((performance.now() - this.since) / 1000)));
    if (performance.now() - this.heard > QUIET) this.check();
  }

  // Without news it had ended when the page was drawn, and the page knows more: whether it was retried already.
  ended(news) {
    const { status } = this.state;
    this.connection(stream.state);
    if (news) {
      this.show("cancel", false);
      this.show("retry", status !== "completed");
      this.show("link", status === "completed");
      this.show("fail-note", status === "failed");
      this.say("eta", "");
      this.say("elapsed", seconds(news.duration_seconds));
      this.say("result", resultWords(news.result));
    }
    if (status === "completed" && this.dataset.redirect) {
      setTimeout(() => location.replace(this.dataset.redirect), REDIRECT_AFTER);
    }
  }

  show(name, visible) {
    const part = this.part(name);
    if (part) part.hidden = !visible;
  }

  async submitted(event) {
    const action = event.target.dataset.action;
    if (!action) return;
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    this.say("problem", "");
    try {
      const token = event.target.elements.namedItem("csrfmiddlewaretoken").value;
      const answer = await post(`/api/v1/tasks/${this.task}/${action}`, token);
      if (action === "retry") this.restart(answer.task_id);
    } catch (error) {
      this.say("problem", error.message);
      this.refetch();
    } finally {
      button.disabled = false;
    }
  }

  // A retry is a new task: the card follows it from its beginning.
  restart(task) {
    if (this.hasAttribute("data-own-page")) {
      location.assign(location.pathname.replace(/tasks\/[^/]+/, `tasks/${task}`));
      return;
    }
    this.setAttribute("task", task);
    for (const form of this.querySelectorAll("form[data-action]")) {
      form.action = form.action.replace(/tasks\/[^/]+/, `tasks/${task}`);
    }
    const details = this.part("details");
    if (details) details.href = details.href.replace(/tasks\/[^/]+/, `tasks/${task}`);
    this.state = { status: "pending", attempt: 0, seq: -1, progress: 0 };
    this.show("cancel", true);
    for (const name of ["retry", "link", "fail-note"]) this.show(name, false);
    for (const name of ["result", "elapsed", "counter", "eta"]) this.say(name, "");
    this.apply({ status: "pending", attempt: 0, seq: 0, progress: 0, message: "Waiting for a worker" });
    this.connection(stream.state);
    this.refetch();
  }
}

customElements.define("task-progress", TaskProgress);
