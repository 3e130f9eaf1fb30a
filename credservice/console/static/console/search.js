// "/" or Ctrl+K (on a Mac Cmd+K) leads to the search box on top, from anywhere but a field. On lists as well: their own
// box sends by GET, and a key belongs in no address.
document.addEventListener("keydown", (event) => {
    const box = document.getElementById("console-search");
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const withControl = event.ctrlKey || event.metaKey;
    const wanted = event.key === "/" ? !typing && !withControl : event.key === "k" && withControl;
    if (box && wanted) {
        event.preventDefault();
        event.stopPropagation(); // Unfold would lead to the list's box
        box.focus();
        box.select();
    }
});

// Words as long as keys, tokens and passwords are, in capitals, small letters and digits, or in hexadecimal digits,
// or longer than any id of ours.
const OURS = /^(\w+:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const isLikeAKey = (word) =>
    !OURS.test(word) && word.length >= 20 &&
    (word.length >= 40 || /^[0-9a-f]{32,}$/i.test(word) || [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(word)));

// What looks like a key is sent from a list's box to the search on top: by POST.
document.addEventListener("submit", (event) => {
    const box = document.getElementById("console-search");
    const own = event.target.id === "changelist-search" && event.target.querySelector("#searchbar");
    if (box && own && own.value.split(/[\s"'`,;<>(){}[\]=&?|]+/).some(isLikeAKey)) {
        event.preventDefault();
        box.value = own.value;
        box.form.requestSubmit();
    }
});
