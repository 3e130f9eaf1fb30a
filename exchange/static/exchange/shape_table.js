// The table of an answer's fields: adds and removes rows, and says in each what its last cell is for.
"use strict";
const HINTS = { credential: "only if named otherwise", text: "such as eu", end_user: "external_id, or another" };
document.querySelectorAll("[data-shape-table]").forEach((table) => {
    const body = table.querySelector("tbody");
    const changed = () => body.dispatchEvent(new Event("input", { bubbles: true }));
    const hint = (row) => {
        row.querySelector("td:nth-child(3) input").placeholder = HINTS[row.querySelector("select").value] ?? "";
    };
    table.querySelector("[data-add-row]").addEventListener("click", () => {
        const row = body.rows[0].cloneNode(true);
        row.querySelectorAll("input").forEach((input) => { input.value = ""; });
        row.querySelectorAll("[aria-invalid]").forEach((cell) => cell.removeAttribute("aria-invalid"));
        row.querySelector("select").selectedIndex = 0;
        body.append(row);
        hint(row);
        row.querySelector("input").focus();
    });
    body.addEventListener("click", (event) => {
        const button = event.target.closest("[data-remove-row]");
        if (button && body.rows.length > 1) {
            button.closest("tr").remove();
            body.querySelector("input").focus();
            changed();
        }
    });
    body.addEventListener("change", (event) => hint(event.target.closest("tr")));
    [...body.rows].forEach(hint);
});
