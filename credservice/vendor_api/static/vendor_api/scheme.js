// The page is dark where the browser asks for it, as the console is.
"use strict";
const wish = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", wish.matches);
follow();
wish.addEventListener("change", follow);
