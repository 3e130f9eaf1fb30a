// Sends the code behind the link's #, which no server sees by itself, and takes it out of the address.
"use strict";
const send = () => {
  const form = document.querySelector("form[data-invitation]");
  const code = location.hash.slice(1);
  if (!form || !code) return;
  history.replaceState(null, "", location.pathname);
  form.querySelector("[name=code]").value = code;
  form.requestSubmit();
};
document.addEventListener("DOMContentLoaded", send);
window.addEventListener("hashchange", send); // the link was pasted where the page is open already
