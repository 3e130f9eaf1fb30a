// Asks before a page is left on which something is typed and not saved, also where a save was refused (data-typed).
"use strict";
addEventListener("load", () => {
  const forms = document.querySelectorAll("#content-main form[method=post]:not(#changelist-form)");
  let typed = Boolean(document.querySelector("[data-typed]"));
  for (const form of forms) {
    form.addEventListener("input", () => { typed = true; });
    form.addEventListener("submit", () => { typed = false; });
  }
  for (const link of document.querySelectorAll("[data-drops]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey) return; // a new tab: this one stays
      if (typed && !confirm(link.dataset.drops)) event.preventDefault();
      else typed = false;
    });
  }
  addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault();
  });
});
