// Words for the browser's console, said only while the server runs with debugging on.

const on = document.documentElement.dataset.debug === "on";

export function log(topic, ...words) {
  if (on) console.log(`[${topic}]`, ...words);
}
