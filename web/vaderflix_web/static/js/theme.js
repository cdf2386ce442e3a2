// The account page's theme choice acts at once, before it is saved.
document.addEventListener("change", (event) => {
  if (event.target.name !== "theme") return;
  const root = document.documentElement;
  if (event.target.value === "system") delete root.dataset.theme;
  else root.dataset.theme = event.target.value;
});
