// <media-player>: plays from a part's time, and marks the part that is heard. Without this script it is the browser's
// own player, and a part's time is a link to the recording at that place.

class MediaPlayer extends HTMLElement {
  connectedCallback() {
    this.media = this.querySelector("audio, video");
    this.parts = [...document.querySelectorAll(".spoken[data-seconds]")]
      .map((element) => ({ element, link: element.querySelector("a.spoken-at"), from: Number(element.dataset.seconds) }))
      .filter(({ link, from }) => link && Number.isFinite(from))
      .sort((one, other) => one.from - other.from);
    for (const part of this.parts) part.link.addEventListener("click", (event) => this.chosen(event, part));
    for (const type of ["timeupdate", "seeking", "play"]) this.media.addEventListener(type, () => this.mark());
    this.media.addEventListener("ended", () => this.show(undefined));
    this.media.addEventListener("error", () => this.complain());
    this.media.addEventListener("loadedmetadata", () => this.fit());
    this.fit();
    if (this.media.error) this.complain(); // it happened before this script ran
  }

  // A click that asks for a new tab or window stays one.
  chosen(event, part) {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || this.media.error) return;
    event.preventDefault();
    this.media.currentTime = part.from;
    this.show(part);
    this.media.play().catch(() => {}); // the browser may want another click; its controls show that it is paused
  }

  mark() {
    const now = this.media.currentTime + 0.05; // where a browser lands is not where it was sent to, to the millisecond
    this.show(this.parts.findLast((part) => part.from <= now));
  }

  show(part) {
    if (part === this.heard) return;
    this.heard?.element.classList.remove("heard");
    this.heard?.link.removeAttribute("aria-current");
    part?.element.classList.add("heard");
    part?.link.setAttribute("aria-current", "true");
    this.heard = part;
  }

  // A file that may hold pictures may hold sound alone.
  fit() {
    const withoutPictures = this.media.readyState && this.media.localName === "video" && !this.media.videoWidth;
    this.media.classList.toggle("sound-only", Boolean(withoutPictures));
  }

  complain() {
    this.querySelector('[data-part="problem"]').hidden = false;
  }
}

customElements.define("media-player", MediaPlayer);
