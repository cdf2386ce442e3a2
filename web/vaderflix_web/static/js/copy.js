// [data-copy="id"] copies what that field holds, and says so. Without the clipboard's permission, as on a plain http
// address in the house, the field's text is selected and the browser's own command copies it.
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const field = button && document.getElementById(button.dataset.copy);
  if (!field) return;
  const done = await copy(field);
  const words = button.querySelector("[data-words]");
  if (!words || !done) return;
  const before = words.textContent;
  words.textContent = button.dataset.done;
  setTimeout(() => (words.textContent = before), 2000);
});
