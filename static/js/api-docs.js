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

// Swagger UI is dark by a class, our pages by the system's or the chosen scheme.
const dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;
function dress() {
  const chosen = root.dataset.theme;
  root.classList.toggle("dark-mode", chosen ? chosen === "dark" : dark.matches);
}
dark.addEventListener("change", dress);
new MutationObserver(dress).observe(root, { attributeFilter: ["data-theme"] });
dress();
