// <task-row task="…">: a task's state in a list. The list itself (live-list) reads the page anew after a gap.

import { TaskElement } from "./task-element.js";

export class TaskRow extends TaskElement {
  // Takes over what a newer drawing of the same row says.
  adopt(other) {
    const text = (name) => other.querySelector(`[data-part="${name}"]`)?.textContent ?? "";
    const { status, attempt, seq, progress } = other.dataset;
    this.apply({ status, attempt: Number(attempt), seq: Number(seq), progress: Number(progress), message: text("stage") });
  }
}

customElements.define("task-row", TaskRow);
