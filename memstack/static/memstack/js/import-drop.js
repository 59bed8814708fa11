// <import-drop>: the import's form, with files or a folder dropped on it, and with the progress of the upload.
// Without this script it is a plain form. What goes wrong is told by the server's own page, whose part is taken over.

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(0)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

// Every file below a dropped folder; the browser gives the entries of a folder in portions.
async function filesBelow(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!portion.length) return found;
    for (const inner of portion) {
      if (!inner.name.startsWith(".")) found.push(...(await filesBelow(inner)));
    }
  }
}

class ImportDrop extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.input = this.querySelector('input[type="file"]');
    this.zone = this.part("zone");
    this.part("hint").textContent = "Choose files, or drop files or a folder here.";
    this.form.addEventListener("submit", (event) => this.submitted(event));
    this.input.addEventListener("change", () => this.tell());
    this.part("stop").addEventListener("click", () => this.request?.abort());
    for (const name of ["dragenter", "dragover"]) this.zone.addEventListener(name, (event) => this.over(event));
    this.zone.addEventListener("dragleave", (event) => this.zone.contains(event.relatedTarget) || this.light(false));
    this.zone.addEventListener("drop", (event) => this.dropped(event));
    this.tell(); // the browser may have kept the files of before
  }

  part(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }

  light(on) {
    this.zone.classList.toggle("over", on);
  }

  over(event) {
    event.preventDefault();
    this.light(true);
  }

  async dropped(event) {
    event.preventDefault();
    this.light(false);
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const loose = [...event.dataTransfer.files];
    try {
      const files = entries.length ? (await Promise.all(entries.map(filesBelow))).flat() : loose;
      const carrier = new DataTransfer();
      for (const file of files) carrier.items.add(file);
      this.input.files = carrier.files;
      this.tell();
    } catch {
      this.complain("What you dropped can't be read. Nothing was sent; choose the files instead.");
    }
  }

  // Says what is chosen, and what is wrong with it before anything is sent.
  tell() {
    const files = [...this.input.files];
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    const names = files.slice(0, 3).map((file) => file.name).join(", ");
    const rest = files.length > 3 ? ` and ${(files.length - 3).toLocaleString("en-US")} more` : "";
    this.part("chosen").textContent = files.length ? `${names}${rest}, ${size(bytes)}` : "";
    this.part("problem").replaceChildren();
    const { maxBytes, maxFiles } = this.dataset;
    if (files.length > Number(maxFiles)) {
      this.complain(`These are ${files.length.toLocaleString("en-US")} files; put them into a zip archive and import that.`);
    } else if (bytes > Number(maxBytes)) {
      this.complain(`An upload may have ${size(Number(maxBytes))}; import it in parts. Nothing was sent.`);
    }
  }

  complain(sentence) {
    const notice = document.createElement("div");
    notice.className = "notice error";
    notice.setAttribute("role", "alert");
    notice.append(Object.assign(document.createElement("p"), { textContent: sentence }));
    this.part("problem").replaceChildren(notice);
  }

  submitted(event) {
    event.preventDefault();
    this.tell();
    if (this.part("problem").childElementCount || this.request) return;
    this.sending(true);
    this.request = new XMLHttpRequest();
    const { request } = this;
    request.open("POST", this.form.action);
    request.responseType = "document";
    request.upload.addEventListener("progress", (sent) => this.progress(sent));
    request.addEventListener("load", () => this.answered(request));
    request.addEventListener("error", () => this.ended("The connection broke. Nothing was imported; try it again."));
    request.addEventListener("abort", () => this.ended("You stopped the upload. Nothing was imported."));
    request.send(new FormData(this.form));
  }

  sending(on) {
    this.part("sending").hidden = !on;
    this.part("stop").hidden = !on;
    this.form.querySelector('button[type="submit"]').disabled = on;
    this.input.inert = on;
  }

  progress({ loaded, total }) {
    const percent = total ? Math.floor((100 * loaded) / total) : 0;
    this.part("bar").value = percent;
    this.part("sent").textContent =
      loaded < total ? `${size(loaded)} of ${size(total)} sent` : "All is sent. The server reads it…";
  }

  answered(request) {
    if (request.status < 300 && request.responseURL !== this.form.action) {
      location.assign(request.responseURL);
      return;
    }
    const theirs = request.response?.querySelector('[data-part="problem"]');
    this.ended(theirs ? "" : `The server answered ${request.status}. Nothing was imported.`);
    if (theirs?.tagName === "P") this.complain(theirs.textContent);
    else if (theirs) this.part("problem").replaceChildren(...[...theirs.childNodes].map((node) => document.importNode(node, true)));
  }

  ended(sentence) {
    this.request = undefined;
    this.sending(false);
    if (sentence) this.complain(sentence);
  }
}

customElements.define("import-drop", ImportDrop);
