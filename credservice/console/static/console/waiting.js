// A page that waits for something from outside asks every two seconds whether it has come, and then shows it; a call
// that was refused meanwhile at once, with the page that tells more.
"use strict";
const waiting = document.querySelector("[data-waiting]");
const refused = document.querySelector("[data-refused]");
const tell = (call) => {
    const [sentence, more] = refused.children;
    if (call && sentence.textContent !== call.sentence) {
        sentence.textContent = call.sentence;
        more.textContent = call.more;
        more.href = call.link;
    }
    refused.hidden = !call;
};
const ask = async () => {
    try {
        const answer = await fetch(waiting.dataset.waiting, { headers: { Accept: "application/json" } });
        if (answer.ok) {
            const { done, refused: call } = await answer.json();
            if (done) {
                window.location.assign(window.location.pathname);
                return;
            }
            tell(call);
        }
    } catch {
        // Out of reach for a moment: ask again.
    }
    setTimeout(ask, 2000);
};
if (waiting) {
    setTimeout(ask, 2000);
}
