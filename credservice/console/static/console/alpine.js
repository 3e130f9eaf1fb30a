// What Unfold's templates ask of Alpine, for the build of it that evaluates no strings as code (unfold/js/alpine).
// That build knows neither the page's globals nor statements: both are given to it here, under the same names.
"use strict";
htmx.config.allowEval = false;

function consolePage(element) {
  const tab = (element.getAttribute("x-init") || "").match(/'([^']*)';/);
  return {
    activeTab: getCurrentTab() || (tab ? tab[1] : ""),
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem("sidebarDesktopOpen") !== "0",
    init() {
      this.$watch("sidebarDesktopOpen", (open) => localStorage.setItem("sidebarDesktopOpen", open ? "1" : "0"));
    },
    formAction() {
      const { pathname, search } = window.location;
      return pathname + search + (this.activeTab && this.activeTab !== "general" ? `#${this.activeTab}` : "");
    },
  };
}

// Of the search in the sidebar.
function show() {
  this.openSearchResults = true;
  this.currentIndex = 0;
}

function leave() {
  this.openSearchResults = false;
  if (this.$refs.searchInput.value === "") this.$refs.searchInput.blur();
  this.$refs.searchInput.value = "";
}

document.addEventListener("alpine:init", () => {
  for (const provider of [theme, searchForm, searchCommand]) Alpine.data(provider.name, provider);
  Alpine.data("searchDropdown", () => ({ ...searchDropdown(), show, leave }));
  const page = consolePage(document.body);
  Alpine.data("consolePage", () => page);
  document.body.setAttribute("x-data", "consolePage");
  document.body.removeAttribute("x-init");
  replace("x-bind:action", "window.location", "formAction()");
  replace("x-on:click", "sidebarDesktopOpen = ", "sidebarDesktopOpen = !sidebarDesktopOpen");
  replace("x-on:focus", "openSearchResults = true", "show()");
  replace("x-on:keydown", "openSearchResults = true", "openSearchResults = true");
  replace("x-on:keydown.escape.prevent", "$refs.searchInput", "leave()");
  replace("x-on:keydown.enter.prevent", "$event.metaKey", "$event.metaKey || $event.ctrlKey || selectItem(false, false)");
});

// Expressions that hold `part`, on the elements that have the attribute, written as Alpine's build can read them.
function replace(attribute, part, expression) {
  for (const element of document.querySelectorAll(`[${CSS.escape(attribute)}]`)) {
    if (element.getAttribute(attribute).includes(part)) element.setAttribute(attribute, expression);
  }
}
