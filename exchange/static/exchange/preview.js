// While a response shape is typed, the answer that it would make is shown below it, under its title.
"use strict";
document.querySelectorAll("[data-preview]").forEach((input) => {
    const title = document.createElement("p");
    title.className = "font-medium mt-2";
    title.textContent = input.dataset.preview;
    const shown = document.createElement("pre");
    shown.className = "bg-base-50 console-pre font-mono mb-3 p-3 rounded-default text-sm dark:bg-base-800";
    shown.setAttribute("role", "status");
    shown.setAttribute("aria-label", input.dataset.preview);
    const notes = document.createElement("div");
    notes.className = "mb-3 text-sm";
    input.after(title, shown, notes);
    // What the form that came back says is not said twice, and only until the preview says something else.
    const words = (text) => text.replace(/\s+/g, " ").trim();
    const marked = [...input.closest("form").querySelectorAll(".errors")]
        .filter((field) => field.querySelector("[data-preview], [data-previewed]"));
    let told = words(marked.map((field) => field.textContent).join(" "));
    const unmark = () => {
        told = "";
        marked.splice(0).forEach((field) => {
            field.classList.remove("errors");
            field.querySelectorAll("[aria-invalid]").forEach((cell) => cell.removeAttribute("aria-invalid"));
            field.querySelectorAll(":scope > .text-red-600").forEach((list) => list.remove());
        });
    };
    // The tick is for what was sent, and says what that changes: with something else typed, it says nothing true.
    const form = input.closest("form");
    const tick = form.querySelector('[name="confirmed"]')?.closest(".group");
    let timer;
    const ask = async (event) => {
        const typed = new FormData(form);
        typed.set("preview", "1");
        try {
            const answer = await fetch(window.location.href, { method: "POST", body: typed });
            const found = await answer.json();
            if (event) {
                unmark();
                tick?.remove();
            }
            shown.textContent = found.answer ?? (told.includes(words(found.problem)) ? "" : found.problem);
            const [shownWith, ...foretold] = found.notes ?? [];
            notes.replaceChildren(...[shownWith, ...(tick?.isConnected ? [] : foretold)].filter(Boolean).map((note) => {
                const line = document.createElement("div");
                line.innerHTML = note; // escaped by the server, but for its code and links
                return line;
            }));
        } catch {
            shown.textContent = "";
            notes.replaceChildren();
        }
    };
    form.addEventListener("input", (event) => {
        if (!tick?.contains(event.target)) {
            clearTimeout(timer);
            timer = setTimeout(ask, 300, event);
        }
    });
    ask();
});
