// Passkeys (WebAuthn). A form with data-passkey="get" or "create" has a button of data-passkey-start and a hidden field
// `credential`; its options come from the address in data-options or from the JSON in the element data-options-in.
"use strict";
const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function optionsOf(form) {
  if (form.dataset.optionsIn) return JSON.parse(document.getElementById(form.dataset.optionsIn).textContent);
  const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
  return (await fetch(form.dataset.options, { headers, credentials: "same-origin" })).json();
}

function asked(options, form) {
  const asked = { ...options.publicKey, challenge: decode(options.publicKey.challenge) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (asked[list]) asked[list] = asked[list].map((entry) => ({ ...entry, id: decode(entry.id) }));
  }
  if (asked.user) asked.user = { ...asked.user, id: decode(asked.user.id) };
  if (form.elements.passwordless?.checked) {
    asked.authenticatorSelection = { residentKey: "required", requireResidentKey: true, userVerification: "required" };
  }
  return asked;
}

// The JSON of WebAuthn Level 3, 5.1: older browsers have no toJSON().
function answered(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  const { id, type } = credential;
  const clientExtensionResults = credential.getClientExtensionResults();
  return { id, rawId: encode(credential.rawId), type, response, clientExtensionResults };
}

async function start(form) {
  if (!window.PublicKeyCredential) throw new Error("This browser, or an address without https, has no passkeys.");
  const options = await optionsOf(form);
  const publicKey = asked(options.request_options || options.creation_options, form);
  const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
  form.elements.credential.value = JSON.stringify(answered(credential));
  form.requestSubmit();
}

document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-passkey-start]")) {
    const form = button.closest("form");
    const problem = form.querySelector("[data-passkey-problem]");
    button.addEventListener("click", async () => {
      button.disabled = true;
      problem.hidden = true;
      try {
        await start(form);
      } catch (error) {
        const refused = error.name === "NotAllowedError" || error.name === "AbortError";
        problem.textContent = refused ? "No passkey was used. Try again, or take another way." : error.message;
        problem.hidden = false;
      } finally {
        button.disabled = false; // also where signed_out.js holds the form back
      }
    });
  }
});
