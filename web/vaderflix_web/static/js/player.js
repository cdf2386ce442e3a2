// The player: keys, controls, and a report of the position every ten seconds, at a pause and when the page goes away.
const player = document.querySelector("[data-player]");
const video = player.querySelector("video");
const part = (name) => player.querySelector(`[data-${name}]`);

function clock(seconds) {
  const total = Math.max(0, Math.floor(seconds || 0));
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return h ? `${h}:${String(m).padStart(2, "0")}:${String(s).padStart(2, "0")}` : `${m}:${String(s).padStart(2, "0")}`;
}

let reported = -1;
function report() {
  const seconds = Math.floor(video.currentTime);
  // a page that was only looked at, or whose picture never came, changes nothing
  if (!video.duration || !video.played.length || seconds === reported) return;
  reported = seconds;
  const body = new URLSearchParams({
    _csrf_token: player.dataset.csrf,
    item: player.dataset.item,
    key: player.dataset.key,
    label: player.dataset.label,
    seconds: String(video.currentTime),
    duration: String(video.duration),
  });
  // keepalive lets the last report leave with the page
  fetch("/playback/position", { method: "POST", body, keepalive: true, credentials: "same-origin" }).catch(() => {});
}

function paint() {
  const { currentTime, duration, buffered } = video;
  if (!duration) return;
  part("now").textContent = clock(currentTime);
  part("left").textContent = `−${clock(duration - currentTime)}`;
  part("played").value = (100 * currentTime) / duration;
  part("buffered").value = buffered.length ? (100 * buffered.end(buffered.length - 1)) / duration : 0;
  const seek = part("seek");
  seek.max = Math.floor(duration);
  if (document.activeElement !== seek || !seek.matches(":active")) seek.value = Math.floor(currentTime);
  seek.setAttribute("aria-valuetext", `${clock(currentTime)} / ${clock(duration)}`);
}

function toggle() {
  if (video.paused) video.play().catch(() => {});
  else video.pause();
}

function skip(seconds) {
  video.currentTime = Math.min(Math.max(0, video.currentTime + seconds), video.duration || Infinity);
}

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else player.requestFullscreen?.();
}

function state() {
  part("when-paused").hidden = !video.paused;
  part("when-playing").hidden = video.paused;
  const button = part("toggle");
  button.setAttribute("aria-label", video.paused ? button.dataset.playLabel : button.dataset.pauseLabel);
  player.classList.toggle("playing", !video.paused);
}

if (video) {
  const start = Number(player.dataset.start) || 0;
  const begin = () => {
    if (start > 0 && start < video.duration) video.currentTime = start;
    paint();
    video.play().catch(() => {});
  };
  // the film may know its length before this module has loaded
  if (video.readyState >= HTMLMediaElement.HAVE_METADATA) begin();
  else video.addEventListener("loadedmetadata", begin, { once: true });
  video.addEventListener("timeupdate", paint);
  video.addEventListener("progress", paint);
  video.addEventListener("play", state);
  video.addEventListener("pause", () => {
    state();
    report();
  });
  video.addEventListener("ended", () => {
    report();
    if (player.dataset.next) location.assign(player.dataset.next);
  });
  const failed = () => (document.getElementById("why").hidden = false);
  if (video.error) failed();
  else video.addEventListener("error", failed);
  video.addEventListener("click", toggle);
  setInterval(() => !video.paused && report(), 10000);
  addEventListener("pagehide", report);
  document.addEventListener("visibilitychange", () => document.hidden && report());

  part("toggle").addEventListener("click", toggle);
  part("full").addEventListener("click", full);
  part("mute").addEventListener("click", () => (video.muted = !video.muted));
  const pip = part("pip");
  if (document.pictureInPictureEnabled) pip.addEventListener("click", () => video.requestPictureInPicture().catch(() => {}));
  else pip.hidden = true;
  part("seek").addEventListener("input", (event) => (video.currentTime = Number(event.target.value)));
  for (const button of player.querySelectorAll("[data-skip]")) {
    button.addEventListener("click", () => skip(Number(button.dataset.skip)));
  }
  const menu = document.getElementById("tracks");
  part("tracks")?.addEventListener("click", (event) => {
    menu.hidden = !menu.hidden;
    event.currentTarget.setAttribute("aria-expanded", String(!menu.hidden));
  });
  menu?.addEventListener("change", (event) => {
    const at = video.currentTime;
    video.src = event.target.value;
    video.addEventListener("loadedmetadata", () => (video.currentTime = at), { once: true });
    video.play().catch(() => {});
  });

  const keys = { " ": toggle, k: toggle, f: full, m: () => (video.muted = !video.muted), ArrowLeft: () => skip(-10), ArrowRight: () => skip(10), j: () => skip(-10), l: () => skip(10) };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("button, a") && event.key === " ") return;
    if (event.target.closest("input[type=range]") && event.key.startsWith("Arrow")) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // The controls leave when nothing moves, and come back at the first sign of life.
  let idle;
  const wake = () => {
    player.classList.remove("idle");
    clearTimeout(idle);
    idle = setTimeout(() => !video.paused && !player.contains(document.activeElement?.closest("button:focus-visible, input:focus-visible, a:focus-visible")) && player.classList.add("idle"), 3500);
  };
  for (const name of ["pointermove", "pointerdown", "keydown", "focusin"]) document.addEventListener(name, wake);
  wake();
}
