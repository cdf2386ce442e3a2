// "/" goes to the search field; the arrows move through results; Escape leaves the field.
const typing = (el) => el.closest("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !typing(event.target)) {
    const field = document.querySelector("#q") ?? document.querySelector("[data-slash]");
    if (!field) return;
    event.preventDefault();
    if (field.offsetParent === null) location.assign("/search");
    else field.select();
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") moveInResults(event);
});

function moveInResults(event) {
  const links = [...document.querySelectorAll(".result h3 a")];
  const field = document.querySelector("#q");
  if (!links.length || !field) return;
  const row = event.target.closest(".result");
  if (event.target !== field && !row) return;
  const now = row ? links.indexOf(row.querySelector("h3 a")) : -1;
  const next = event.key === "ArrowDown" ? now + 1 : now - 1;
  event.preventDefault();
  if (next < 0) field.focus();
  else links[Math.min(next, links.length - 1)].focus();
}
