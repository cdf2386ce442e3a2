// [data-show="id"] shows what is typed into a password field, until it is pressed again or the form is sent.
function show(button, shown) {
  const field = document.getElementById(button.dataset.show);
  if (!field) return;
  field.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show]");
  if (button) show(button, button.getAttribute("aria-pressed") !== "true");
});

// browsers offer to keep a password only when its field is one, and remember the words of other fields
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("[data-show]")) show(button, false);
});
