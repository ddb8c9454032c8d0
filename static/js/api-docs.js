// The page to try the API: Swagger UI over our schema, acting in the session for the chosen participant.

const place = document.getElementById("operations");
const actsFor = document.getElementById("acts-for");
const token = document.querySelector('meta[name="csrf-token"]').content;

function signed(request) {
  const own = new URL(request.url, location.href).origin === location.origin;
  if (own && !request.loadSpec) {
    request.headers["X-CSRFToken"] = token;
    if (actsFor && !request.headers.Authorization) request.headers.Participant = actsFor.value;
  }
  return request;
}

window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  requestInterceptor: signed,
  deepLinking: true,
  docExpansion: "list",
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
