// The page: what is drawn or dropped goes to the server, what it says is shown.

import { ask, latest, withToken } from "/ask.js";
import { Pad } from "/draw.js";
import { Card, best, chart, element, fate, filled, looks, marker, paint, table } from "/show.js";

const at = (id) => document.getElementById(id);
const lang = document.documentElement.lang;
const DRAWS = 20;
const FIRST = { sample: 4, noise: "translate" };
const percentages = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 0 });
const percent = (value) => percentages.format(value);

let words, models, noises, styles, titles, cards, pad;
let look = null;
let curve = null;
let seed = 0;
let chosen = 0;
let truth = null; // what the digit is, where somebody says so
let due = false; // whether the curve is of something else than the look

const refreshLook = latest(async () => {
  if (pad.empty) return nothing();
  const [picture, query] = [await pad.blob(), new URLSearchParams({ seed })];
  if (severity() > 0) {
    query.set("noise", at("kind").value);
    query.set("severity", severity());
  }
  let said;
  try {
    said = await ask(`/v1/look?${query}`, picture);
    problem("");
  } catch (error) {
    if (pad.empty) return nothing();
    return nothing(error.message || words.no_server);
  }
  if (pad.empty || said.problem) return nothing(pad.empty ? null : said.problem);
  look = said;
  chosen = Math.min(chosen, look.digits.length - 1);
  showLook();
  if (due) refreshCurve();
}, 60, failed);

const refreshCurve = latest(async () => {
  if (pad.empty || !look) return;
  due = false;
  const query = new URLSearchParams({ noise: at("kind").value, digit: chosen, draws: DRAWS });
  if (truth !== null) query.set("label", truth);
  curve = await ask(`/v1/curve?${query}`, await pad.blob());
  if (pad.empty) curve = null;
  showCurve();
}, 350, failed);

const severity = () => Number(at("severity").value);
const noise = () => noises.find(({ name }) => name === at("kind").value);
const right = () => truth ?? look?.digits[chosen]?.label ?? null;

function failed(error) {
  problem(error.message || words?.no_server || "…");
}

function problem(text) {
  at("problem").textContent = text;
  at("problem").hidden = !text;
}

function nothing(why) {
  look = curve = null;
  const text = why ?? words.nothing;
  at("verdict").replaceChildren(element("b", { class: "words" }, text));
  paint(at("seen"), models[0].input_shape, "");
  pad.mark([], 0);
  for (const card of cards) card.update(null, null, percent);
  showDigits();
  showSummary();
  showTruth();
  showCurve();
}

function showLook() {
  const digit = look.digits[chosen];
  paint(at("seen"), look.shape, digit.seen);
  pad.mark(look.digits.map(({ box }) => box), chosen);
  for (const card of cards) card.update(digit.believed[card.model.name] ?? null, right(), percent);
  showDigits();
  showSummary();
  showTruth();
  showVerdict(digit);
}

// What the first network reads; where there are several digits, all of them, and how sure it is of the one chosen.
function showVerdict(digit) {
  const [label, confidence] = best(models[0], digit.believed[models[0].name]);
  const several = look.digits.length > 1;
  const text = several
    ? `${filled(words.digit_of, { n: chosen + 1, label })}, ${percent(confidence)}`
    : filled(words.reads, { model: titles.get(models[0].name), label, confidence: percent(confidence) });
  const doubt = digit.doubt ? [element("br"), digit.doubt] : [];
  at("verdict").replaceChildren(element("b", {}, several ? look.text : label), text, ...doubt);
}

function showSummary() {
  const digit = look?.digits[chosen];
  at("summary").replaceChildren(...models.map((model) => {
    const probabilities = digit?.believed[model.name];
    const [label, confidence] = probabilities ? best(model, probabilities) : ["–", null];
    const wrong = probabilities && label !== right() ? "wrong" : null;
    return element("li", { class: wrong }, marker(styles.get(model.name)), element("span", {}, titles.get(model.name)),
      element("b", {}, label), element("span", {}, confidence === null ? "" : percent(confidence)));
  }));
}

function showDigits() {
  const several = (look?.digits.length ?? 0) > 1;
  at("digits").hidden = !several;
  if (!several) return at("digits").replaceChildren();
  const title = filled(words.several, { n: look.digits.length });
  at("digits").setAttribute("aria-label", title);
  const focused = [...at("digits").querySelectorAll("button")].indexOf(document.activeElement);
  const buttons = look.digits.map(({ label }, index) => {
    const name = filled(words.digit_of, { n: index + 1, label });
    const button = element("button", { type: "button", "aria-pressed": index === chosen, "aria-label": name }, label);
    button.addEventListener("click", () => {
      chosen = index;
      truth = null;
      showLook();
      refreshCurve();
    });
    return button;
  });
  at("digits").replaceChildren(element("p", { class: "note" }, title), ...buttons);
  buttons[focused]?.focus();
}

function showTruth() {
  at("truth-line").hidden = !look;
  if (look) at("truth").value = right();
}

function ticks() {
  const { severities } = noise();
  return severities.length ? [0, ...severities].map(String) : [words.without, words.with];
}

function showCurve() {
  const here = curve && curve.noise === at("kind").value ? curve : { label: "", models: {} };
  chart(at("chart"), here, styles, ticks(), Math.min(severity(), ticks().length - 1), words.axis, percent);
  at("chart-help").textContent = filled(words.chart_help, { draws: DRAWS, half: percent(0.5) });
  const said = filled(words.chart_alt, { label: here.label, noise: noise().summary });
  at("chart").setAttribute("aria-label", said);
  table(at("chart-table"), here, titles, ticks(), words.confidence, words, percent);
  at("legend").replaceChildren(...models.map(({ name }) =>
    element("li", {}, marker(styles.get(name)), element("b", {}, titles.get(name)),
      element("span", {}, here.models[name] !== undefined ? fate(here.models[name], here.label, noise().severities.length > 0, words) : words.waiting))));
}

function changed() {
  truth = null;
  chosen = 0;
  for (const one of at("samples").children) one.setAttribute("aria-pressed", false);
  at("undo").disabled = at("clear").disabled = pad.empty;
  at("hint").textContent = pad.empty ? words.here : words.over;
  at("hint").hidden = !pad.empty && !pad.picture;
  at("hint").classList.toggle("empty", pad.empty);
  due = true;
  refreshLook();
}

function showSeverity() {
  const levels = noise().severities.length;
  at("severity").max = levels || 1;
  const value = severity();
  const text = value === 0 ? words.none : levels ? filled(words.of_five, { n: value }) : words.on;
  at("severity-said").textContent = text;
  at("severity").setAttribute("aria-valuetext", text);
  at("again").disabled = value === 0;
}

async function open(file) {
  try {
    pad.show(await createImageBitmap(file));
  } catch {
    problem(words.no_picture);
  }
}

async function offerSamples() {
  const strip = await createImageBitmap(await (await fetch("/samples.png")).blob());
  const side = strip.height;
  for (let index = 0; index < strip.width / side; index++) {
    const picture = await createImageBitmap(strip, index * side, 0, side, side);
    const small = element("canvas", { width: side, height: side });
    small.getContext("2d").drawImage(picture, 0, 0);
    const name = filled(words.sample, { digit: index });
    const button = element("button", { type: "button", "aria-pressed": false, "aria-label": name }, small);
    button.addEventListener("click", () => {
      pad.show(picture);
      button.setAttribute("aria-pressed", true);
    });
    at("samples").append(button);
  }
}

function listen() {
  at("undo").addEventListener("click", () => pad.undo());
  at("clear").addEventListener("click", () => pad.clear());
  at("choose").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", () => {
    if (at("file").files.length) open(at("file").files[0]);
    at("file").value = "";
  });
  const paper = at("pad").parentElement;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    paper.classList.add("over");
  });
  document.addEventListener("dragleave", () => paper.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    paper.classList.remove("over");
    if (event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (file) open(file);
  });
  at("kind").addEventListener("change", () => {
    const { severities } = noise();
    if (severity() > (severities.length || 1)) at("severity").value = severities.length || 1;
    showSeverity();
    showCurve();
    due = true;
    refreshLook();
  });
  at("severity").addEventListener("input", () => {
    showSeverity();
    showCurve();
    refreshLook();
  });
  at("again").addEventListener("click", () => {
    seed += 1;
    refreshLook();
  });
  at("truth").addEventListener("change", () => {
    truth = at("truth").value;
    showLook();
    refreshCurve();
  });
  let wide = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== wide) showCurve();
    wide = innerWidth;
  });
}

function offerNoises() {
  for (const family of new Set(noises.map((one) => one.family))) {
    const group = element("optgroup", { label: family });
    for (const one of noises.filter((each) => each.family === family)) {
      group.append(element("option", { value: one.name }, `${one.summary} (${one.name})`));
    }
    at("kind").append(group);
  }
  at("kind").value = FIRST.noise;
}

async function start() {
  document.querySelector(`.languages [lang=${lang}]`).setAttribute("aria-current", "true");
  words = await ask(`/v1/words?lang=${lang}`);
  const offered = await ask("/v1/models");
  noises = await ask(`/v1/noises?lang=${lang}`);
  models = offered.models;
  styles = looks(models);
  titles = new Map(models.map(({ name }) => [name, words[`model.${name}`] ?? name]));
  cards = models.map((model) => new Card(model, titles.get(model.name), styles.get(model.name), words));
  at("cards").append(...cards.map((card) => card.element));
  at("report").hidden = !offered.report;
  at("report").addEventListener("click", withToken);
  at("size").textContent = `(${filled(words.seen_size, { height: models[0].input_shape[0], width: models[0].input_shape[1] })})`;
  at("truth").append(...models[0].classes.map((label) => element("option", { value: label }, label)));
  offerNoises();
  showSeverity();
  pad = new Pad(at("pad"), { onChange: changed, onPen: (down) => said(down ? words.pen_down : words.pen_up) });
  listen();
  await offerSamples();
  at("samples").children[FIRST.sample].click();
}

function said(text) {
  at("pen").textContent = text;
}

start().catch(failed);
