// A page that waits for something from outside asks every two seconds whether it has come, and then shows it.
"use strict";
const waiting = document.querySelector("[data-waiting]");
const ask = async () => {
    try {
        const answer = await fetch(waiting.dataset.waiting, { headers: { Accept: "application/json" } });
        if (answer.ok && (await answer.json()).done) {
            window.location.assign(window.location.pathname);
            return;
        }
    } catch {
        // Out of reach for a moment: ask again.
    }
    setTimeout(ask, 2000);
};
if (waiting) {
    setTimeout(ask, 2000);
}
