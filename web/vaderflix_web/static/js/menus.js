// A menu made of <details> closes on Escape and when the focus or a click goes elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector(".section-menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

document.addEventListener("click", (event) => {
  const open = document.querySelector(".section-menu[open]");
  if (open && !open.contains(event.target)) open.open = false;
});
