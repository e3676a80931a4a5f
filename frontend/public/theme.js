try {
  const theme = JSON.parse(localStorage.getItem("ordersys.theme"));
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing: the theme of the system it is.
}
