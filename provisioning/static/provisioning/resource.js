// Showing and copying without leaving the page. Without this script the form shows the values on a page of its own.
"use strict";
const MASK = "••••••••••••••••";

async function ask(form, button) {
  const body = new URLSearchParams(new FormData(form));
  body.set(button.name, button.value);
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  if (answer.status === 401) location.reload();
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.message);
  return content.values;
}

function row(form, name) {
  const found = [...form.querySelectorAll("[data-value]")].find((one) => one.dataset.value === name);
  if (found) return found;
  const copy = form.querySelector("[data-value]").cloneNode(true);
  copy.dataset.value = name;
  copy.querySelector("dt").textContent = name;
  copy.querySelector("button").value = name;
  copy.querySelector("button").setAttribute("aria-label", `Copy ${name}`);
  form.querySelector(".values").append(copy);
  return copy;
}

function show(form, values) {
  for (const [name, value] of Object.entries(values)) row(form, name).querySelector("code").textContent = value;
}

function hide(form) {
  for (const code of form.querySelectorAll("[data-value] code")) code.textContent = MASK;
}

async function copy(form, button, values) {
  try {
    await navigator.clipboard.writeText(values[button.value]);
    return `${button.value} is copied.`;
  } catch {
    // Without a secure context there is no clipboard: leave it selected instead.
    show(form, values);
    getSelection().selectAllChildren(row(form, button.value).querySelector("code"));
    return "Selected: press Ctrl-C.";
  }
}

async function act(form, button) {
  if (button.name === "show" && button.dataset.shown) {
    hide(form);
    delete button.dataset.shown;
    button.textContent = "Show";
    return "";
  }
  const values = await ask(form, button);
  if (button.name === "copy") return copy(form, button, values);
  show(form, values);
  button.dataset.shown = "yes";
  button.textContent = "Hide";
  return "";
}

for (const form of document.querySelectorAll("[data-credential]")) {
  for (const button of form.querySelectorAll("button[name=copy]")) button.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.querySelector(".said");
    try {
      said.textContent = await act(form, event.submitter);
    } catch (error) {
      said.textContent = error.message || "That did not work. Load the page again.";
    }
  });
}

// What was shown does not come back with the browser's Back.
addEventListener("pagehide", () => document.querySelectorAll("[data-credential]").forEach(hide));
