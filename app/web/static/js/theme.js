// Light or dark, before anything is painted: what was chosen here, else what the system wants. No module, so that it blocks.
(() => {
  const wish = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("hopfact-theme");
  const apply = () => {
    document.documentElement.dataset.theme = chosen() ?? (wish.matches ? "dark" : "light");
    document.dispatchEvent(new CustomEvent("themechange"));
  };
  wish.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    localStorage.setItem("hopfact-theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    apply();
  });
  apply();
})();
