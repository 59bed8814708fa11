// Loaded before the page is drawn, so that the chosen theme never flashes. A classic script on purpose.
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // no storage: the system's theme it is
  }
})();
