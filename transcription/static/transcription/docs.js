// Shows the OpenAPI document. What changes something carries the session's token, as on our pages.
const place = document.getElementById("swagger-ui");
const READING = ["GET", "HEAD", "OPTIONS"];

SwaggerUIBundle({
  url: place.dataset.document,
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
