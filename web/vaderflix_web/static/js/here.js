// A page that somebody looks at asks every few seconds whether its session still lives, and leaves when it does not:
// a device that was signed out elsewhere shows nothing more. A page in the background asks when it is looked at again.
const EVERY = 2500; // with the two seconds for which the server remembers a session, an end is felt within five
let asking = false;

async function look() {
  if (asking || document.visibilityState !== "visible") return;
  asking = true;
  try {
    const answer = await fetch("/here", { cache: "no-store", redirect: "manual" });
    if (answer.status === 401 || answer.type === "opaqueredirect") {
      location.replace("/signin?next=" + encodeURIComponent(location.pathname + location.search));
    }
  } catch {
    // the server is away, which says nothing of the session
  } finally {
    asking = false;
  }
}

if (document.body.dataset.here !== undefined) {
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
  addEventListener("pageshow", (event) => event.persisted && look());
}
