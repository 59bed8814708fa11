// <bulk-actions>: cancels or retries the ticked tasks, or all that fit the filters, and tells how far it is.
//
// A request works for a few seconds; while it answers with a cursor, the next one goes on from there. Without this
// script the same form does one such step at a time.

const DONE = { cancel: "cancelled or asked to stop", retry: "asked for again" };
const ASK = { cancel: "Cancel", retry: "Retry" };

function tasks(number) {
  return `${number.toLocaleString("en-US")} ${number === 1 ? "task" : "tasks"}`;
}

class BulkActions extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    const page = this.part("page");
    if (page) page.hidden = false;
    this.form.addEventListener("change", (event) => this.changed(event.target));
    this.form.addEventListener("submit", (event) => this.submitted(event));
    this.changed();
  }

  part(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }

  get boxes() {
    return [...this.form.querySelectorAll('input[name="task"]')];
  }

  get all() {
    return this.form.elements.namedItem("all");
  }

  changed(box) {
    const page = this.part("page")?.querySelector("input");
    if (box && box === page) for (const one of this.boxes) one.checked = box.checked;
    if (page) page.checked = this.boxes.length > 0 && this.boxes.every((one) => one.checked);
    const chosen = Boolean(this.all?.checked) || this.boxes.some((one) => one.checked);
    for (const button of this.form.querySelectorAll('button[name="action"]')) button.disabled = this.busy || !chosen;
  }

  async submitted(event) {
    event.preventDefault();
    if (this.busy) return;
    const body = new FormData(this.form, event.submitter);
    const action = body.get("action");
    const label = this.all.closest("label").textContent.trim().toLowerCase();
    if (this.all.checked && !confirm(`${ASK[action]} ${label}?`)) return;
    this.busy = true;
    this.changed();
    try {
      await this.work(action, body);
      for (const box of [...this.boxes, this.all]) box.checked = false;
    } catch (error) {
      this.say(`${this.part("said").textContent} Stopped: ${error.message} What was done is kept.`);
    } finally {
      this.busy = false;
      this.changed();
    }
  }

  async work(action, body) {
    const sum = { done: 0, refused: new Map() };
    this.say("Working…");
    for (let cursor = ""; cursor !== null; ) {
      body.set("cursor", cursor);
      const answer = await this.send(body);
      sum.done += answer.done;
      for (const { reason, count } of answer.refused) sum.refused.set(reason, (sum.refused.get(reason) ?? 0) + count);
      this.say(this.words(action, sum, answer));
      cursor = answer.cursor;
    }
  }

  words(action, { done, refused }, { matched, remaining }) {
    if (!matched && !done) return "No task fits the filter; nothing was changed.";
    const told = [`${tasks(done)} ${DONE[action]}.`];
    for (const [reason, count] of refused) told.push(`${tasks(count)} left as they are: ${reason}`);
    if (remaining) told.push(`${tasks(remaining)} to go…`);
    return told.join(" ");
  }

  async send(body) {
    const address = this.form.getAttribute("action"); // form.action is the buttons of that name
    const response = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`the server answered ${response.status}.`);
    return response.json();
  }

  say(text) {
    this.part("said").textContent = text;
  }
}

customElements.define("bulk-actions", BulkActions);
