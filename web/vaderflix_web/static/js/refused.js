// A form whose answer names wrong fields puts the focus on the first of them, and opens the fold that it is in; where
// none is named, on what was said.
document.addEventListener("refused", () => {
  const field = document.querySelector("form [aria-invalid='true']") ?? document.getElementById("test-result");
  if (!field) return;
  const fold = field.closest("details");
  if (fold) fold.open = true;
  field.focus({ preventScroll: true });
  requestAnimationFrame(() => field.scrollIntoView({ block: "center" }));
});
