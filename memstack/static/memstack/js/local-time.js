// <local-time><time datetime="…">: the moment in the reader's zone, in the form and length the server wrote it in.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const parts = new Intl.DateTimeFormat("en-GB", {
  day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

function words(moment) {
  const found = Object.fromEntries(parts.formatToParts(moment).map((part) => [part.type, part.value]));
  return `${found.day} ${found.month.slice(0, 3)} ${found.year}, ${found.hour}:${found.minute}`;
}

class LocalTime extends HTMLElement {
  connectedCallback() {
    const time = this.querySelector("time");
    const moment = new Date(time?.dateTime ?? "");
    if (Number.isNaN(moment.getTime())) return;
    time.textContent = words(moment);
    time.title = `${words(moment)} ${zone} (${time.dateTime})`;
  }
}

class ZoneName extends HTMLElement {
  connectedCallback() {
    if (zone) this.textContent = zone;
  }
}

customElements.define("local-time", LocalTime);
customElements.define("zone-name", ZoneName);
