// What opens over a page by keyboard: the panel of filters takes the focus and keeps it; Escape closes it, and the menu
// "More" as well, and leads the focus back to what opened it.
"use strict";
{
    const REACHED = "a[href], button, input, select, textarea, [tabindex]";
    const isReached = (each) =>
        each.tabIndex >= 0 && !each.disabled && each.getClientRects().length > 0 && !each.matches(".simplebar-content-wrapper");

    // Select2 names its box by what is chosen alone, which may be nothing.
    const nameBoxes = (panel) => {
        for (const box of panel.querySelectorAll(".select2-selection")) {
            const select = box.closest(".select2-container").previousElementSibling;
            box.removeAttribute("aria-labelledby");
            const name = select?.labels?.[0]?.textContent.trim() || "Filter";
            for (const each of [box, ...box.querySelectorAll("[role=textbox]")]) each.setAttribute("aria-label", name);
        }
    };

    const keepFocus = (panel) => {
        let opener = null;
        const inside = () => [...panel.querySelectorAll(REACHED)].filter(isReached);
        panel.setAttribute("role", "dialog");
        panel.setAttribute("aria-modal", "true");
        panel.setAttribute("aria-label", "Filters");
        // Alpine shows and hides it by its style.
        new MutationObserver(() => {
            const isOpen = panel.getClientRects().length > 0;
            if (isOpen && !opener) {
                opener = document.activeElement;
                nameBoxes(panel);
                inside()[0]?.focus();
            } else if (!isOpen && opener) {
                opener.focus();
                opener = null;
            }
        }).observe(panel, { attributes: true, attributeFilter: ["style"] });
        panel.addEventListener("keydown", (event) => {
            if (event.key !== "Tab") return;
            const reached = inside();
            const [first, last] = [reached[0], reached[reached.length - 1]];
            if (document.activeElement === (event.shiftKey ? first : last)) {
                event.preventDefault();
                (event.shiftKey ? last : first).focus();
            }
        });
    };

    document.addEventListener("DOMContentLoaded", () => {
        const panel = document.getElementById("changelist-filter");
        if (panel) keepFocus(panel);
    });
    document.addEventListener("keydown", (event) => {
        const menu = event.key === "Escape" && document.querySelector(".console-more[open]");
        if (!menu) return;
        menu.open = false;
        menu.querySelector("summary").focus();
    });
}
