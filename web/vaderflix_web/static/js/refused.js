// A form whose answer names wrong fields puts the focus on the first of them, and opens the fold that it is in.
document.addEventListener("refused", () => {
  const field = document.querySelector("form [aria-invalid='true']");
  if (!field) return;
  const fold = field.closest("details");
  if (fold) fold.open = true;
  field.focus();
});
