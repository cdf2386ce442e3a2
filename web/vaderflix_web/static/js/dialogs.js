// [data-dialog="id"] opens that dialog; [data-close] closes the one it is in; a click beside it closes it too.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialog);
    if (dialog) {
      event.preventDefault();
      dialog.showModal();
    }
    return;
  }
  if (event.target.closest("[data-close]") || event.target instanceof HTMLDialogElement) {
    event.target.closest("dialog")?.close();
  }
});

// A dialog that came as a part of the page opens by itself.
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.target.querySelector?.("dialog[data-open]");
  if (dialog && !dialog.open) dialog.showModal();
});
