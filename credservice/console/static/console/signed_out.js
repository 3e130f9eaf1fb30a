// Before a form is sent, asks who is signed in: where nobody is, or somebody else, the form would be lost on the way by
// the sign-in. Then it is not sent, says so, and keeps what is typed.
"use strict";
{
  let isAsking = false;
  let checked = null; // the form that is sent now

  // null: out of reach. A redirect leads to a sign-in: ours, or a proxy's.
  const whoIsIn = async (address) => {
    try {
      const headers = { Accept: "application/json" };
      const answer = await fetch(address, { headers, redirect: "manual", signal: AbortSignal.timeout(5000) });
      if (answer.type === "opaqueredirect") return { user: null };
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  };

  const tell = (form, notices, user) => {
    const notice = notices.content.children[user ? 1 : 0].cloneNode(true);
    for (const name of notice.querySelectorAll("[data-now]")) name.textContent = user;
    form.prepend(notice);
    notice.focus();
  };

  // Before all others, who shall hear of it only once it is sent.
  addEventListener("submit", async (event) => {
    const { target: form, submitter } = event;
    const notices = document.getElementById("signed-out");
    if (!notices || form === checked || !form.matches("main form[method=post]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (isAsking) return;
    isAsking = true;
    const now = await whoIsIn(notices.dataset.address);
    isAsking = false;
    form.querySelector(":scope > [data-signed-out]")?.remove();
    if (now && now.user !== notices.dataset.user) {
      tell(form, notices, now.user);
      return;
    }
    const token = form.querySelector("[name=csrfmiddlewaretoken]");
    if (now && token) token.value = now.csrf_token; // another since each sign-in
    checked = form;
    try {
      form.requestSubmit(submitter);
    } finally {
      checked = null;
    }
  }, true);
}
