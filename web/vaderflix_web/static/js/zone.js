// Tells the server the browser's time zone once, so that times are local from the next page on; and mends this page's.
const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
const known = document.cookie.split("; ").find((part) => part.startsWith("vf_zone="));

if (name && !known) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `vf_zone=${name}; path=/; max-age=31536000; samesite=lax${secure}`;
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
  for (const time of document.querySelectorAll("time[datetime]")) {
    if (/^\d\d:\d\d$/.test(time.textContent)) time.textContent = clock.format(new Date(time.dateTime));
  }
}
