// The page: what is shown, and what the pointer, the keys and the sliders change.

const content = JSON.parse(document.getElementById("content").textContent);
const models = content.models.map((model) => ({
  ...model,
  encoder: unpacked(model.encoder),
  decoder: unpacked(model.decoder),
  points: floats(model.points),
  manifold: { canvas: new OffscreenCanvas(560, 560), of: null, next: 0 },
}));
const examples = content.examples.map(floats);

const VIEWS = { digits: drawManifold, classes: drawPoints };
// of the ten classes, bright enough for a black plane
const COLOURS = ["#5cc8f5", "#ffd166", "#8fd173", "#ff6b6b", "#b79cff", "#ff9f4a", "#3fc9a4", "#ff9cc2", "#e3e3e6", "#7d9bff"];
const PRIOR_RADIUS = Math.sqrt(-2 * Math.log(0.1)); // 90 % of a normal plane is within it
const TILES = 20; // in a row of the manifold
const SLICE = 10; // milliseconds of a frame that the manifold may take
const PEN = 22; // width of the pen, in pixels of the pad

// `position` holds the latents of the point by rank: those of the plane first, then by KL divergence
const state = {
  position: new Array(Math.max(...models.map((model) => model.latents.length))).fill(0),
  model: models.at(-1),
  view: "digits",
  digit: null,
};
const [plane, overlay, pad] = ["plane", "overlay", "pad"].map((id) => document.getElementById(id));
const onPad = pad.getContext("2d", { willReadFrequently: true });

// ---- parts of the page

function make(tag, attributes, ...children) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}

// A row of tiles, one for each model; `verb` is for those who do not see them.
function makeTiles(id, verb) {
  const row = document.getElementById(id);
  row.style.setProperty("--columns", models.length);
  return models.map((model) => {
    const canvas = make("canvas", { width: SIDE, height: SIDE, role: "img", ariaLabel: `What ${model.title} ${verb}` });
    const score = make("span", { className: "score" });
    row.append(make("figure", {}, canvas, make("figcaption", {}, model.title.replaceAll("+", "+\u200b"), score)));
    return { canvas, score };
  });
}

function makeChoices(id, choices, chosen, choose) {
  const radios = Object.entries(choices).map(([text, value]) => {
    const radio = make("input", { type: "radio", name: id, checked: value === chosen, onchange: () => choose(value) });
    return make("label", {}, radio, text);
  });
  document.getElementById(id).append(...radios);
}

function makeSlider(rank) {
  const input = make("input", { type: "range", step: "any", ariaLabel: `latent ${rank + 1}` });
  const output = make("output");
  input.oninput = () => move(state.position.with(rank, Number(input.value)));
  document.getElementById("sliders").append(make("label", {}, make("span", {}, `z${subscript(rank + 1)}`), input, output));
  return { input, output };
}

function subscript(number) {
  return String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
}

// A number as text, with a minus sign of its own.
function shown(value, decimals = 2) {
  return value.toFixed(decimals).replace("-", "−");
}

function paint(canvas, values) {
  const pixels = new ImageData(SIDE, SIDE);
  values.forEach((value, i) => pixels.data.fill(255 * value, 4 * i, 4 * i + 3).fill(255, 4 * i + 3, 4 * i + 4));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

// ---- the point

function move(position) {
  state.position = position;
  nextFrame(showPoint);
}

// Calls a function once in the next frame, however often it is asked for.
const waiting = new Set();
function nextFrame(show) {
  if (waiting.has(show)) return;
  waiting.add(show);
  requestAnimationFrame(() => {
    waiting.delete(show);
    show();
  });
}

function showPoint() {
  models.forEach((model, i) => paint(decodedTiles[i].canvas, decoded(model, state.position)));
  sliders.forEach(({ input, output }, rank) => {
    const reach = rank < 2 ? state.model.reach : 3;
    Object.assign(input, { min: -reach, max: reach, value: state.position[rank] });
    output.value = shown(state.position[rank]);
  });
  document.getElementById("position").textContent = `Point ${state.position.map((value) => shown(value)).join(", ")}`;
  showOverlay();
  showPlane();
}

function pointAt(event) {
  const box = plane.getBoundingClientRect();
  const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  const inside = (share) => (2 * Math.min(1, Math.max(0, share)) - 1) * state.model.reach;
  move([inside(x), inside(1 - y), ...state.position.slice(2)]);
}

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
function pointByKey(event) {
  if (event.key === "Home") move(state.position.map(() => 0));
  else if (event.key in KEYS) {
    const step = (state.model.reach / 40) * (event.shiftKey ? 5 : 1);
    const limited = (value) => Math.min(state.model.reach, Math.max(-state.model.reach, value));
    move(state.position.map((value, rank) => (rank < 2 ? limited(value + step * KEYS[event.key][rank]) : value)));
  } else return;
  event.preventDefault();
}

// ---- the plane

// The place of latents on a square of `side` pixels.
function placed([first, second], side) {
  const { reach } = state.model;
  return [(side / 2) * (1 + first / reach), (side / 2) * (1 - second / reach)];
}

function showPlane() {
  VIEWS[state.view](state.model);
}

// The test digits as their classes.
function drawPoints({ points }) {
  const context = plane.getContext("2d");
  context.clearRect(0, 0, plane.width, plane.height);
  Object.assign(context, { font: "600 11px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
  content.labels.forEach((label, i) => {
    context.fillStyle = COLOURS[label];
    context.fillText(label, ...placed(points.subarray(2 * i, 2 * i + 2), plane.width));
  });
}

// What the model decodes over the plane, tile by tile from the centre on, as long as a frame allows. With two latents
// each tile has the colour of the class of the test digits there.
function drawManifold(model) {
  const { manifold } = model;
  const others = state.position.slice(2).join();
  if (manifold.of !== others) Object.assign(manifold, { of: others, next: 0 });
  const end = performance.now() + SLICE;
  for (; manifold.next < TILES * TILES && performance.now() < end; manifold.next++) drawTile(model, ORDER[manifold.next]);
  const context = plane.getContext("2d");
  context.clearRect(0, 0, plane.width, plane.height);
  context.drawImage(manifold.canvas, 0, 0);
  if (manifold.next < TILES * TILES) nextFrame(showPlane);
}

const distance = (tile) => Math.hypot((tile % TILES) - (TILES - 1) / 2, Math.floor(tile / TILES) - (TILES - 1) / 2);
const ORDER = [...Array(TILES * TILES).keys()].sort((a, b) => distance(a) - distance(b));

function drawTile(model, tile) {
  const [column, row] = [tile % TILES, Math.floor(tile / TILES)];
  const z = [2 * (column + 0.5) / TILES - 1, 1 - 2 * (row + 0.5) / TILES].map((share) => share * model.reach);
  const pixels = new ImageData(SIDE, SIDE);
  const colour = model.latentDim === 2 ? colourAt(model, z) : [255, 255, 255];
  clipped(decoded(model, [...z, ...state.position.slice(2)])).forEach((value, i) =>
    pixels.data.set([...colour, 255 * value], 4 * i));
  model.manifold.canvas.getContext("2d").putImageData(pixels, column * SIDE, row * SIDE);
}

// The colour, red, green and blue, of the class that most test digits near z have; grey where there are none.
function colourAt({ points, reach }, z) {
  const votes = new Array(10).fill(0);
  content.labels.forEach((label, i) => {
    const squared = (points[2 * i] - z[0]) ** 2 + (points[2 * i + 1] - z[1]) ** 2;
    votes[label] += Math.exp(-squared / (2 * (reach / TILES) ** 2));
  });
  const most = Math.max(...votes);
  const colour = most < 0.05 ? "#8c8f98" : COLOURS[votes.indexOf(most)];
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}

// The circle of the prior, the point, and the place of one's own digit.
function showOverlay() {
  const side = (overlay.width = overlay.height = Math.round(plane.clientWidth * devicePixelRatio));
  const context = overlay.getContext("2d");
  const line = (width, colour, dashes = []) => {
    Object.assign(context, { lineWidth: width * devicePixelRatio, strokeStyle: colour });
    context.setLineDash(dashes.map((length) => length * devicePixelRatio));
    context.stroke();
    context.beginPath();
  };
  context.beginPath();
  context.arc(side / 2, side / 2, (PRIOR_RADIUS / state.model.reach) * (side / 2), 0, 7);
  line(1.25, "#ffffffb0", [5, 5]);
  const [x, y] = placed(state.position, side);
  const radius = 9 * devicePixelRatio;
  for (const [width, colour] of [[5, "#000000c0"], [2, "#fff"]]) {
    context.arc(x, y, radius, 0, 7);
    line(width, colour);
    if (!state.digit) continue;
    const [left, top] = placed(ranked(state.model, encoded(state.model, seen(state.model))), side);
    context.rect(left - radius, top - radius, 2 * radius, 2 * radius);
    line(width, colour);
  }
}

// The latents z by rank.
function ranked({ latents }, z) {
  return latents.map((latent) => z[latent]);
}

// ---- one's own digit

// The digit as a model takes it.
function seen({ isBinary }) {
  return isBinary ? binarised(state.digit) : state.digit;
}

function drawing() {
  const { data } = onPad.getImageData(0, 0, pad.width, pad.height);
  return Float32Array.from({ length: pad.width * pad.height }, (_, i) => data[4 * i + 3] / 255);
}

function showDrawing() {
  showDigit(prepared(drawing(), pad.width));
}

function showDigit(digit) {
  state.digit = digit;
  document.getElementById("own-note").hidden = !digit;
  const blank = new Float32Array(SIDE * SIDE);
  paint(document.getElementById("prepared"), digit ? seen(state.model) : blank);
  models.forEach((model, i) => {
    const { canvas, score } = reconstructedTiles[i];
    const reconstruction = digit ? reconstructed(model, seen(model)) : blank;
    paint(canvas, reconstruction);
    score.textContent = digit ? scores(seen(model), reconstruction) : "";
  });
  showOverlay();
}

function scores(image, reconstruction) {
  const blur = equivalentBlur(reconstruction, image, content.sigmas);
  // lines do not break within
  return `PSNR ${shown(psnr(image, reconstruction), 1)} dB\nblur ${shown(blur)} px`.replaceAll(" ", "\u00a0");
}

function draw(event) {
  if (!event.buttons) return;
  const scale = pad.width / pad.clientWidth;
  onPad.lineTo(event.offsetX * scale, event.offsetY * scale);
  Object.assign(onPad, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
  onPad.stroke();
  nextFrame(showDrawing);
}

function beginStroke(event) {
  pad.setPointerCapture(event.pointerId);
  document.getElementById("hint").hidden = true;
  onPad.beginPath();
  draw(event);
}

function clearPad() {
  onPad.clearRect(0, 0, pad.width, pad.height);
  document.getElementById("hint").hidden = false;
}

function showExample(number) {
  clearPad();
  showDigit(examples[number]);
}

// ---- begin

const decodedTiles = makeTiles("decoded", "decodes");
const reconstructedTiles = makeTiles("reconstructed", "reconstructs of your digit");
const sliders = state.position.map((_, rank) => makeSlider(rank));
makeChoices("models", Object.fromEntries(models.map((model) => [model.title, model])), state.model, (model) => {
  state.model = model;
  showDigit(state.digit);
  showPoint();
});
makeChoices("views", Object.fromEntries(Object.keys(VIEWS).map((view) => [view, view])), state.view, (view) => {
  state.view = view;
  showPlane();
});
examples.forEach((_, number) => {
  const button = make("button", { type: "button", ariaLabel: `test digit ${number}`, onclick: () => showExample(number) }, number);
  document.getElementById("examples").append(button);
});
for (const kind of ["pointerdown", "pointermove"]) plane.addEventListener(kind, pointAt);
plane.addEventListener("keydown", pointByKey);
pad.addEventListener("pointerdown", beginStroke);
pad.addEventListener("pointermove", draw);
document.getElementById("clear").addEventListener("click", () => {
  clearPad();
  showDigit(null);
});
addEventListener("resize", () => nextFrame(showOverlay));
showExample(2);
showPoint();
