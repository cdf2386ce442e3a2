// Toasts leave after eight seconds; a request that failed says so.
const corner = document.getElementById("toasts");

function age(toast) {
  setTimeout(() => toast.remove(), 8000);
}

corner?.querySelectorAll("[data-toast]").forEach(age);
if (corner) {
  new MutationObserver((changes) => {
    for (const change of changes) change.addedNodes.forEach((node) => node.dataset && "toast" in node.dataset && age(node));
  }).observe(corner, { childList: true });
}

function say(text) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.dataset.toast = "";
  const words = document.createElement("span");
  words.textContent = text;
  toast.append(words);
  corner?.append(toast);
}

document.addEventListener("htmx:sendError", () => say("The server did not answer. Your change was not saved."));
document.addEventListener("htmx:responseError", (event) => {
  const said = event.detail.xhr.getResponseHeader("x-said");
  say(said ? decodeURIComponent(said) : "That did not work. Load the page again and try once more.");
});
