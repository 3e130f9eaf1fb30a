// Asks before a page is left on which something is typed and not saved, also where a save was refused (data-typed).
"use strict";
addEventListener("load", () => {
  const forms = document.querySelectorAll("#content-main form[method=post]:not(#changelist-form)");
  let typed = Boolean(document.querySelector("[data-typed]"));
  for (const form of forms) {
    form.addEventListener("input", () => { typed = true; });
    form.addEventListener("submit", () => { typed = false; });
  }
  addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault();
  });
});
