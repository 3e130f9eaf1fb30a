// Choices are narrowed by what the form has already: an end user by its integration, an installation by both.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  django.jQuery.ajaxPrefilter((options) => {
    if (!options.url.includes("/autocomplete/")) return;
    for (const name of ["integration", "end_user"]) {
      const field = document.querySelector(`select[name="${name}"]`);
      if (field && field.value) options.data += `&chosen_${name}=${encodeURIComponent(field.value)}`;
    }
  });
});
