// Tells the server the browser's time zone, so that times are local from the next page on; and mends this page's, unless
// they are in a zone that the person chose.
const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
const known = document.cookie.split("; ").find((part) => part.startsWith("vf_zone="));

// a device that has travelled says so, too
if (name && known !== `vf_zone=${name}`) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `vf_zone=${name}; path=/; max-age=31536000; samesite=lax${secure}`;
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
  const times = "zoneChosen" in document.body.dataset ? [] : document.querySelectorAll("time[datetime]");
  for (const time of times) {
    if (/^\d\d:\d\d$/.test(time.textContent)) time.textContent = clock.format(new Date(time.dateTime));
  }
}
