// The small things that pages cannot do alone. Each module listens once on the document, so swapped parts need no set-up.
import "./keys.js";
import "./dialogs.js";
import "./pictures.js";
import "./toasts.js";
import "./zone.js";
import "./menus.js";
import "./theme.js";
import "./copy.js";
import "./show.js";
import "./refused.js";
import "./here.js";

document.documentElement.dataset.script = "";
// A page that answers a form is asked for when it is reloaded or gone back to; the form is not sent once more.
history.replaceState(history.state, "", location.href);
if (document.querySelector("[data-player]")) import("./player.js");
