// "/" or Ctrl+K (on a Mac Cmd+K) leads to the search box, from anywhere but a field; on a list, "/" is the list's own.
document.addEventListener("keydown", (event) => {
    const box = document.getElementById("console-search");
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const withControl = event.ctrlKey || event.metaKey;
    const free = !typing && !document.getElementById("searchbar");
    const wanted = event.key === "/" ? free && !withControl : event.key === "k" && withControl;
    if (box && wanted) {
        event.preventDefault();
        box.focus();
        box.select();
    }
});
