// What the server says, as people look at it: the digit, the bars, the chart and its table.

const SVG = "http://www.w3.org/2000/svg";
// The colours and markers of the report (report/style.py), and one for the network that comes with bruit.
const LOOKS = {
  robust: ["#009e73", "star"],
  dnn: ["#e69f00", "square"],
  "dnn-plus": ["#d55e00", "diamond"],
  cnn: ["#56b4e9", "circle"],
  "cnn-plus": ["#0072b2", "triangle"],
};
const OTHERS = ["#cc79a7", "#999933", "#aa4499", "#44aa99", "#ad7a3c", "#8a7fc8", "#7f8c8d"];
const SHAPES = {
  circle: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0",
  square: "M-4.5 -4.5h9v9h-9z",
  diamond: "M0 -6.2L6.2 0L0 6.2L-6.2 0z",
  triangle: "M0 -6L5.8 4.6H-5.8z",
  star: "M0 -6.5L1.7 -2.2L6.3 -2L2.7 .9L3.9 5.4L0 2.9L-3.9 5.4L-2.7 .9L-6.3 -2L-1.7 -2.2z",
  cross: "M-5 -1.7h3.3v-3.3h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3z",
};

export const filled = (text, values) => text.replace(/\{(\w+)\}/g, (field, name) => values[name] ?? field);

// What a model reads, and how sure it is.
export function best(model, probabilities) {
  const confidence = Math.max(...probabilities);
  return [model.classes[probabilities.indexOf(confidence)], confidence];
}

// From which severity on a network no longer believes the digit.
export function fate(held, label, graded, words) {
  if (!held) return filled(words.no_label, { label });
  const lost = held.confidence.findIndex((value) => value < 0.5);
  if (lost === 0) return words.never_had;
  if (lost < 0) return words.kept;
  return graded ? filled(words.lost_at, { n: lost }) : words.lost_with;
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function looks(models) {
  let next = 0;
  return new Map(models.map(({ name }) => [name, LOOKS[name] ?? [OTHERS[next++ % OTHERS.length], "cross"]]));
}

export function marker([colour, shape]) {
  const path = drawn("path", { d: SHAPES[shape], fill: colour });
  return drawn("svg", { viewBox: "-7 -7 14 14", class: "mark", "aria-hidden": "true" }, path);
}

// Bytes, light on dark, in base64 → pixels of a canvas.
export function paint(canvas, [height, width], seen) {
  const grey = seen ? Uint8Array.from(atob(seen), (letter) => letter.charCodeAt(0)) : new Uint8Array(height * width);
  [canvas.height, canvas.width] = [height, width];
  const image = new ImageData(width, height);
  grey.forEach((value, at) => image.data.set([value, value, value, 255], 4 * at));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// A card for each model, with a bar for each of its classes; `update` fills it.
export class Card {
  constructor(model, title, look, words) {
    this.model = model;
    this.words = words;
    this.caption = element("caption");
    this.rows = model.classes.map((label) => {
      const bar = element("div", { class: "bar" });
      const value = element("td", {}, "–");
      return { bar, value, row: element("tr", {}, element("th", { scope: "row" }, label), element("td", {}, bar), value) };
    });
    const head = element("thead", { class: "sr" }, element("tr", {}, element("th", {}, words.digit), element("td"),
      element("th", {}, words.confidence)));
    const table = element("table", {}, this.caption, head, element("tbody", {}, ...this.rows.map(({ row }) => row)));
    const badge = model.winner ? [element("span", { class: "badge" }, words.winner)] : [];
    this.element = element("article", { class: "card empty", "aria-label": title },
      element("header", {}, marker(look), element("h3", {}, title), ...badge), table);
  }

  // probabilities, or null where there is no digit; the label that would be right
  update(probabilities, right, percent) {
    this.element.classList.toggle("empty", !probabilities);
    const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    this.rows.forEach(({ bar, value, row }, at) => {
      bar.style.width = `${100 * (probabilities?.[at] ?? 0)}%`;
      value.textContent = probabilities ? percent(probabilities[at]) : "–";
      row.classList.toggle("top", at === best);
      row.classList.toggle("wrong", at === best && this.model.classes[at] !== right);
    });
    this.caption.replaceChildren(probabilities ? said(this.model, probabilities, right, this.words) : this.words.waiting);
  }
}

function said(model, probabilities, right, words) {
  const [label] = best(model, probabilities);
  return filled(label === right || !right ? words.reads_right : words.reads_wrong, { label, right });
}

// Lines of confidence against severity; `now` is the severity that is chosen.
export function chart(place, curve, styles, ticks, now, axis, percent) {
  const width = Math.max(260, place.clientWidth);
  const height = Math.min(360, Math.max(220, width * 0.5));
  const [left, right, top, bottom] = [48, 14, 10, 48];
  const x = (at) => left + ((width - left - right) * at) / (ticks.length - 1);
  const y = (value) => top + (height - top - bottom) * (1 - value);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" });
  svg.append(drawn("rect", { class: "now", x: x(now) - 16, y: top - 6, width: 32, height: height - top - bottom + 12, rx: 4 }));
  for (const value of [0, 0.25, 0.5, 0.75, 1]) {
    svg.append(drawn("line", { class: value === 0.5 ? "half" : "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
    if (value !== 0.25 && value !== 0.75)
      svg.append(drawn("text", { x: left - 10, y: y(value) + 4, "text-anchor": "end" }, percent(value)));
  }
  ticks.forEach((tick, at) =>
    svg.append(drawn("text", { x: x(at), y: height - 28, "text-anchor": at === 0 && tick.length > 2 ? "start" : at === ticks.length - 1 && tick.length > 2 ? "end" : "middle" }, tick)),
  );
  svg.append(drawn("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, axis));
  for (const [name, held] of Object.entries(curve.models).reverse()) {
    if (!held) continue;
    const [colour, shape] = styles.get(name);
    const points = held.confidence.map((value, at) => [x(at), y(value)]);
    svg.append(drawn("path", { class: "line", stroke: colour, d: `M${points.map((point) => point.join(" ")).join("L")}` }));
    for (const [px, py] of points)
      svg.append(drawn("path", { d: SHAPES[shape], fill: colour, transform: `translate(${px} ${py})` }));
  }
  place.replaceChildren(svg);
}

export function table(place, curve, titles, ticks, caption, words, percent) {
  const head = element("tr", {}, element("th", { scope: "col" }, words.network),
    ...ticks.map((tick) => element("th", { scope: "col" }, tick)));
  const rows = Object.entries(curve.models).map(([name, held]) =>
    element("tr", {}, element("th", { scope: "row" }, titles.get(name)),
      ...ticks.map((_, at) => element("td", {}, held ? percent(held.confidence[at]) : "–"))));
  place.replaceChildren(element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, ...rows));
}
