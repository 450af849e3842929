// Swagger UI. Requests that change something carry the CSRF token, as on our pages.

import { dark, place, readDocument } from "./documentation.js";

const READING = ["GET", "HEAD", "OPTIONS"];

function paint() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

paint();
dark.addEventListener("change", paint);

SwaggerUIBundle({
  spec: await readDocument(),
  domNode: place,
  deepLinking: true,
  validatorUrl: null, // nothing is sent elsewhere
  requestInterceptor: (request) => {
    const ours = new URL(request.url, location.href).origin === location.origin;
    if (ours && !READING.includes((request.method ?? "GET").toUpperCase())) {
      request.headers["X-CSRFToken"] = place.dataset.csrf;
    }
    return request;
  },
});
