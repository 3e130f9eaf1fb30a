// "/" or Ctrl+K (on a Mac Cmd+K) leads to the search box, from anywhere but a field.
document.addEventListener("keydown", (event) => {
    const box = document.getElementById("console-search");
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const wanted = event.key === "/" ? !typing && !event.ctrlKey && !event.metaKey : event.key === "k" && (event.ctrlKey || event.metaKey);
    if (box && wanted) {
        event.preventDefault();
        box.focus();
        box.select();
    }
});
