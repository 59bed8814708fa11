// <theme-switch>: a button between light and dark; the choice stays in this browser.

const MOON = "M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z";
const SUN = "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M19 5l-1.4 1.4M6.4 17.6 5 19";
const SVG = "http://www.w3.org/2000/svg";

class ThemeSwitch extends HTMLElement {
  connectedCallback() {
    if (this.button) return;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "quiet square";
    const icon = document.createElementNS(SVG, "svg");
    icon.setAttribute("class", "icon");
    icon.setAttribute("viewBox", "0 0 24 24");
    icon.setAttribute("aria-hidden", "true");
    this.path = document.createElementNS(SVG, "path");
    icon.append(this.path);
    this.button.append(icon);
    this.button.addEventListener("click", () => this.toggle());
    this.append(this.button);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  get dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  toggle() {
    const theme = this.dark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // no storage: it holds for this page
    }
    this.draw();
  }

  draw() {
    const words = this.dark ? "Switch to the light theme" : "Switch to the dark theme";
    this.button.setAttribute("aria-label", words);
    this.button.title = words;
    this.path.setAttribute("d", this.dark ? SUN : MOON);
  }
}

customElements.define("theme-switch", ThemeSwitch);
