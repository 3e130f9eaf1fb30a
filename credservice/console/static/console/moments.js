// Adds the reader's own time to the exact one of each moment, on hover.
"use strict";
document.addEventListener("mouseover", (event) => {
    const time = event.target.closest?.("time.console-moment");
    if (!time || time.dataset.local) return;
    const local = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    time.dataset.local = local;
    time.title = `${time.title} · ${local}`;
});
