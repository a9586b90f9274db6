// Before anything is painted: the scheme that was chosen here before, if any.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* no storage: the system's scheme */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.classList.add(chosen);
})();
