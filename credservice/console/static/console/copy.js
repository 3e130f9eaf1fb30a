// Copy buttons: data-copy names the element whose text is copied.
"use strict";
document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
    } catch {
        // Without a secure context there is no clipboard: leave it selected instead.
        window.getSelection().selectAllChildren(source);
        button.textContent = "Selected: press Ctrl-C";
    }
});
