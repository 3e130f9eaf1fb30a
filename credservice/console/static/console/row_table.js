// A table of inputs: adds and removes rows, and says in each what its last input is for.
"use strict";
document.querySelectorAll("[data-row-table]").forEach((table) => {
    const body = table.querySelector("tbody");
    const hints = JSON.parse(table.dataset.hints);
    const changed = () => body.dispatchEvent(new Event("input", { bubbles: true }));
    const hint = (row) => {
        [...row.querySelectorAll("input")].at(-1).placeholder = hints[row.querySelector("select").value] ?? "";
    };
    const empty = (row) => {
        row.querySelectorAll("input").forEach((input) => { input.value = ""; });
        row.querySelectorAll("[aria-invalid]").forEach((cell) => cell.removeAttribute("aria-invalid"));
        row.querySelector("select").selectedIndex = 0;
        hint(row);
        return row;
    };
    table.querySelector("[data-add-row]").addEventListener("click", () => {
        const row = empty(body.rows[0].cloneNode(true));
        body.append(row);
        row.querySelector("input").focus();
    });
    body.addEventListener("click", (event) => {
        const row = event.target.closest("[data-remove-row]")?.closest("tr");
        if (!row) {
            return;
        }
        // The last one stays, for the next that is typed.
        if (body.rows.length > 1) {
            row.remove();
        } else {
            empty(row);
        }
        body.querySelector("input").focus();
        changed();
    });
    body.addEventListener("change", (event) => hint(event.target.closest("tr")));
    [...body.rows].forEach(hint);
});
