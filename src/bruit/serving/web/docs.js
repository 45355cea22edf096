// openapi.json as people read it.

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const paragraphs = (text) => (text ?? "").split("\n\n").filter(Boolean).map((part) => element("p", {}, part));

// Names, each with what is said of it.
function list(title, rows) {
  if (!rows.length) return [];
  const terms = rows.flatMap(([name, text]) => [element("dt", {}, element("code", {}, name)), element("dd", {}, text)]);
  return [element("h3", {}, title), element("dl", {}, ...terms)];
}

function kind(schema = {}) {
  const range = "minimum" in schema ? ` of ${schema.minimum} to ${schema.maximum}` : "";
  const otherwise = "default" in schema ? `, by default ${schema.default}` : "";
  return `${schema.type ?? "any"}${range}${otherwise}`;
}

function described(path, method, operation) {
  const parameters = (operation.parameters ?? []).map((one) => [one.name, `${one.description} (${kind(one.schema)})`]);
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(([type, one]) => [type, one.schema.description]);
  const answers = Object.entries(operation.responses).map(([status, one]) => [status, one.description]);
  const id = `${method}${path.replaceAll("/", "-")}`;
  const section = element("section", { "aria-labelledby": id },
    element("h2", { id }, element("code", {}, element("span", { class: "verb" }, method.toUpperCase()), ` ${path}`)),
    ...paragraphs(operation.description),
    ...list("Query", parameters), ...list("Body", bodies), ...list("Answers", answers));
  for (const [title, text] of Object.entries(operation["x-examples"] ?? {})) {
    section.append(element("h3", {}, title), element("pre", { tabindex: 0 }, element("code", {}, text.replaceAll("{origin}", location.origin))));
  }
  return section;
}

const api = await (await fetch("/openapi.json")).json();
const place = document.getElementById("paths");
place.replaceChildren(...paragraphs(api.info.description));
for (const [path, methods] of Object.entries(api.paths))
  for (const [method, operation] of Object.entries(methods)) place.append(described(path, method, operation));
