// [data-copy="id"] copies what that field or element holds, and says so. Without the clipboard's permission, as on a plain
// http address in the house, the text is selected and the browser's own command copies it.
async function copy(source) {
  const text = source.value ?? source.dataset.text ?? source.innerText;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (!source) return;
  const done = await copy(source);
  const words = button.querySelector("[data-words]");
  if (!words || !done) return;
  const before = words.textContent;
  words.textContent = button.dataset.done;
  setTimeout(() => (words.textContent = before), 2000);
});
