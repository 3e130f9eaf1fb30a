// An address may end in #field-NAME: that field's tab is opened, and the field is brought into sight. Where it can only
// be looked at, the button "Edit" leads to a proof first, and from there back to the field.
"use strict";
const showField = () => {
  const name = location.hash.slice(1);
  const row = /^field-\w+$/.test(name) && document.querySelector(`.${name}`);
  if (!row) return;
  for (const link of document.querySelectorAll('a[href*="?next="]')) {
    const address = new URL(link.href);
    const [next] = address.searchParams.get("next").split("#");
    address.searchParams.set("next", `${next}#${name}`);
    link.href = address;
  }
  const tab = row.closest(".tab-wrapper");
  if (tab) {
    const tabs = [...tab.parentElement.children].filter((element) => element.matches(".tab-wrapper"));
    tab.parentElement.querySelector("nav").children[tabs.indexOf(tab)].click();
  }
  requestAnimationFrame(() => {
    row.scrollIntoView({ block: "center" });
    const input = row.querySelector("input, select, textarea");
    if (input) input.focus({ preventScroll: true });
  });
};
addEventListener("load", showField);
addEventListener("hashchange", showField); // a link to a field of the page that it stands on
