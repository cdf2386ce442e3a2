// A picture that does not come leaves its box, not a broken frame.
document.addEventListener(
  "error",
  (event) => {
    const picture = event.target;
    if (!(picture instanceof HTMLImageElement)) return;
    picture.closest(".art")?.classList.add("no-art");
    picture.hidden = true;
  },
  true,
);
