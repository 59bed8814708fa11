// <file-drop>: the form for files, with files dropped on it. Each is sent in a request of its own, with the progress of
// its upload, and then shows how far it is read. Without this script it is a plain form.

const FILES = "/api/v1/files";

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(0)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

class FileDrop extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.input = this.querySelector('input[type="file"]');
    this.zone = this.part("zone");
    this.waiting = [];
    this.part("hint").textContent = "Choose files, or drop them here.";
    this.form.addEventListener("submit", (event) => this.submitted(event));
    for (const name of ["dragenter", "dragover"]) this.zone.addEventListener(name, (event) => this.over(event));
    this.zone.addEventListener("dragleave", (event) => this.zone.contains(event.relatedTarget) || this.light(false));
    this.zone.addEventListener("drop", (event) => this.dropped(event));
    addEventListener("beforeunload", (event) => this.request && event.preventDefault());
  }

  part(name, within = this) {
    return within.querySelector(`[data-part="${name}"]`);
  }

  light(on) {
    this.zone.classList.toggle("over", on);
  }

  over(event) {
    event.preventDefault();
    this.light(true);
  }

  dropped(event) {
    event.preventDefault();
    this.light(false);
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const folders = items.filter((item) => item.webkitGetAsEntry?.()?.isDirectory).length;
    this.take([...event.dataTransfer.files].slice(0, event.dataTransfer.files.length - folders));
    if (folders) this.row({ name: "A folder" }).refuse("Folders are not sent from here; choose the files in it.");
  }

  submitted(event) {
    event.preventDefault();
    this.take([...this.input.files]);
    this.input.value = "";
  }

  take(files) {
    for (const file of files) this.waiting.push([file, this.row(file)]);
    if (!this.request) this.next();
  }

  // A line for a file, and the ways to change it.
  row(file) {
    this.part("sent").hidden = false;
    const line = this.part("row").content.cloneNode(true).firstElementChild;
    const [name, told, bar, error] = ["name", "told", "bar", "error"].map((part) => this.part(part, line));
    name.textContent = file.name;
    told.textContent = file.size === undefined ? "" : `Waiting, ${size(file.size)}`;
    bar.setAttribute("aria-label", `Upload of ${file.name}`);
    this.part("rows").append(line);
    return {
      progress: (loaded, total) => {
        bar.value = total ? (100 * loaded) / total : 0;
        told.textContent = loaded < total ? `${size(loaded)} of ${size(total)} sent` : "All is sent. The server looks at it…";
      },
      refuse: (sentence) => {
        bar.remove();
        told.textContent = "";
        error.textContent = sentence;
        error.setAttribute("role", "alert");
        error.hidden = false;
      },
      saved: (memory, isNew) => {
        const link = Object.assign(document.createElement("a"), { className: "row-title", textContent: file.name });
        link.href = `${this.dataset.memory}/${encodeURIComponent(memory.id)}`;
        name.replaceWith(link);
        told.textContent = isNew ? "" : "The project has it already.";
        bar.replaceWith(this.live(memory));
      },
    };
  }

  live(memory) {
    const element = this.part("live").content.cloneNode(true).firstElementChild;
    element.setAttribute("task", memory.task_id);
    element.dataset.status = memory.processing_status;
    element.dataset.progress = memory.progress;
    const state = element.querySelector('[data-part="state"]');
    if (memory.processing_status === "completed") state.textContent = "Completed";
    return element;
  }

  next() {
    const [file, row] = this.waiting.shift() ?? [];
    if (!file) return;
    if (file.size > Number(this.dataset.maxBytes)) {
      row.refuse(`A file may have ${size(Number(this.dataset.maxBytes))}; this one has ${size(file.size)}. It was not sent.`);
      this.next();
      return;
    }
    this.send(file, row);
  }

  send(file, row) {
    const body = new FormData();
    body.append("project", this.dataset.project);
    for (const tag of this.form.elements.tags.value.split(",")) if (tag.trim()) body.append("tags", tag.trim());
    body.append("file", file);
    const request = new XMLHttpRequest();
    this.request = request;
    request.open("POST", FILES);
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", this.form.elements.csrfmiddlewaretoken.value);
    request.upload.addEventListener("progress", ({ loaded, total }) => row.progress(loaded, total));
    request.addEventListener("load", () => this.answered(request, row));
    request.addEventListener("error", () => row.refuse("The connection broke; this file was not saved. Send it again."));
    request.addEventListener("loadend", () => {
      this.request = undefined;
      this.next();
    });
    request.send(body);
  }

  answered({ status, response }, row) {
    if (status < 300 && response) row.saved(response, status === 201);
    else row.refuse(Object.values(response?.errors ?? {})[0]?.[0] ?? response?.detail ?? `The server answered ${status}.`);
  }
}

customElements.define("file-drop", FileDrop);
