// Passkeys: asks the server for a challenge, the browser for the key, and sends the key's answer back.
const API = "/api/v1";
const RENEW_AFTER = 4 * 60 * 1000; // a challenge is good for five minutes

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function call(path, body, signal) {
  const answer = await fetch(API + path, {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json", "x-vaderflix": "1" },
    body: JSON.stringify(body),
    signal,
  });
  const data = await answer.json();
  if (!answer.ok) {
    const error = new Error(data.error?.message || answer.statusText, { cause: "server" });
    throw Object.assign(error, { fields: data.error?.fields ?? {} });
  }
  return data;
}

function readable(options) {
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  for (const list of [options.excludeCredentials, options.allowCredentials])
    for (const one of list ?? []) one.id = toBytes(one.id);
  return options;
}

function sendable(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  return { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response };
}

async function choose(how = {}) {
  const publicKey = readable(await call("/session/passkey/options", {}, how.signal));
  return sendable(await navigator.credentials.get({ publicKey, ...how }));
}

async function enter(button, credential) {
  await call("/session/passkey", { credential });
  location.assign(button.dataset.next);
}

// The browser offers passkeys in the name field until one is chosen there. Only one request may wait at a time, and the
// browser holds one challenge: whoever asks for another withdraws the offer first, and waits until it has ended.
let withdraw = async () => {};

function offer(button) {
  const before = withdraw();
  const asked = new AbortController();
  const chosen = before.then(() => choose({ mediation: "conditional", signal: asked.signal }));
  const done = chosen.then(
    (credential) => attempt(button, () => enter(button, credential)),
    () => {}, // withdrawn, or nobody chose one: nothing to say
  );
  withdraw = () => {
    asked.abort();
    return done;
  };
}

let again = () => {};

async function offers(button) {
  if (!(await window.PublicKeyCredential?.isConditionalMediationAvailable?.())) return;
  again = () => offer(button);
  again();
  const renew = () => {
    if (document.visibilityState === "visible" && !button.disabled) again();
  };
  setInterval(renew, RENEW_AFTER);
  document.addEventListener("visibilitychange", renew); // another tab may have asked for a challenge meanwhile
}

async function signIn(button) {
  await withdraw();
  try {
    await enter(button, await choose());
  } catch (error) {
    again();
    throw error;
  }
}

async function add(form) {
  const { name, password } = form.elements;
  const publicKey = readable(await call("/me/passkeys/options", { password: password?.value ?? "" }));
  const credential = sendable(await navigator.credentials.create({ publicKey }));
  await call("/me/passkeys", { name: name.value, credential });
  location.reload();
}

async function join(form) {
  const { username, email } = form.elements;
  const path = `/invite/${form.dataset.code}/passkey`;
  const publicKey = readable(await call(`${path}/options`, { username: username.value, email: email.value || null }));
  const credential = sendable(await navigator.credentials.create({ publicKey }));
  try {
    await call(path, { credential });
  } catch (error) {
    // no account was made: the device need not keep the key
    if (error.cause === "server")
      window.PublicKeyCredential.signalUnknownCredential?.({ rpId: publicKey.rp.id, credentialId: credential.id }).catch(() => {});
    throw error;
  }
  location.assign("/");
}

// What is wrong with one field is said below it, as in the pages' other forms.
function mark(field, what) {
  const said = document.createElement("p");
  said.className = "error";
  said.id = `${field.id}-e`;
  said.textContent = what;
  field.closest(".field").append(said);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${said.id}`.trim());
}

function unmark(field) {
  const said = document.getElementById(`${field.id}-e`);
  const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== said?.id);
  said?.remove();
  field.removeAttribute("aria-invalid");
  field.setAttribute("aria-describedby", others.join(" "));
}

async function attempt(element, work) {
  const problem = (element.closest("form") ?? element.parentElement).querySelector("[data-passkey-problem]");
  const button = element.matches("button") ? element : element.querySelector("button:not([data-show])");
  problem.hidden = true;
  element.querySelectorAll("[aria-invalid]").forEach(unmark);
  button.disabled = true;
  try {
    if (!window.PublicKeyCredential) throw new Error(element.dataset.none, { cause: "server" });
    await work(element);
  } catch (error) {
    const unusable = error.name === "SecurityError" ? element.dataset.none : element.dataset.refused;
    const wrong = Object.entries(error.fields ?? {}).map(([name, what]) => [element.elements?.[name], what]);
    const placed = wrong.filter(([field]) => field?.closest(".field"));
    placed.forEach(([field, what]) => mark(field, what));
    placed[0]?.[0].focus();
    if (placed.length && placed.length === wrong.length) return;
    const said = wrong.filter((one) => !placed.includes(one)).map(([, what]) => what).join(". ") || error.message;
    problem.textContent = error.cause === "server" ? said : unusable;
    problem.hidden = false;
  } finally {
    button.disabled = false;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest('[data-passkey="sign-in"]');
  if (button) attempt(button, signIn);
});

const forms = { add, join };
document.addEventListener("submit", (event) => {
  const work = forms[event.target.dataset.passkey];
  if (work) {
    event.preventDefault();
    attempt(event.target, work);
  }
});

// What needs passkeys is shown where there are some: in a secure context, at the origin and under the name that the
// server takes them for. Figures are no name.
const haveThem = (origin) =>
  Boolean(window.PublicKeyCredential) && origin === location.origin && !/^[\d.]+$|:/.test(location.hostname);
for (const one of document.querySelectorAll("[data-passkeys-at]")) one.hidden = !haveThem(one.dataset.passkeysAt);
for (const one of document.querySelectorAll("[data-no-passkeys-at]")) one.hidden = haveThem(one.dataset.noPasskeysAt);
document.querySelector('[data-passkey="join"] [autofocus]')?.focus(); // it was hidden when the browser looked

const button = document.querySelector('[data-passkey="sign-in"]');
if (button) offers(button);
