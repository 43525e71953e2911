// Hands the site's question about a passkey to the browser, and the browser's answer to the site, in a form. The page
// says what to do where this does not run, or where the browser knows no passkeys.

const form = document.querySelector("form[data-passkey]");
const unable = document.querySelector("[data-passkey-unable]");
const status = document.querySelector("[data-passkey-status]");
const creates = form.dataset.passkey === "create";
const parse = globalThis.PublicKeyCredential?.[creates ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON"];

async function ask() {
  const button = form.querySelector("button");
  button.disabled = true;
  status.textContent = "";
  try {
    const publicKey = parse.call(PublicKeyCredential, JSON.parse(form.dataset.question));
    const answer = await navigator.credentials[creates ? "create" : "get"]({ publicKey });
    form.elements.answer.value = JSON.stringify(answer);
    form.submit();
  } catch (error) {
    status.textContent = error.name === "InvalidStateError" ? status.dataset.known : status.dataset.refused;
    button.disabled = false;
  }
}

if (parse) {
  unable.hidden = true;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  // Who signs in has pressed a button for it on the page before.
  if (!creates) ask();
}
