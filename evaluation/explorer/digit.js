// A drawn digit: prepared as MNIST's were, and its reconstruction scored. Images here are square Float32Arrays.

const SIDE = 28;
const BOX = 20;

// A drawing [side, side] in [0, 1] as a digit of MNIST, [28, 28]: scaled to fit a box of 20 pixels, and its centre of
// mass moved to the centre, by whole pixels. Null if nothing is drawn.
function prepared(drawing, side) {
  const box = inkBox(drawing, side);
  if (!box) return null;
  const scale = BOX / Math.max(box.bottom - box.top, box.right - box.left);
  const height = Math.max(1, Math.round((box.bottom - box.top) * scale));
  const width = Math.max(1, Math.round((box.right - box.left) * scale));
  return centred(shrunk(drawing, side, box, height, width), height, width);
}

// The smallest box around what is drawn; bottom and right are the first row and column after it.
function inkBox(drawing, side) {
  const inked = [...drawing.keys()].filter((i) => drawing[i] > 0.05);
  if (!inked.length) return null;
  const [rows, columns] = [inked.map((i) => Math.floor(i / side)), inked.map((i) => i % side)];
  const [top, bottom] = [rows[0], rows.at(-1) + 1];
  const left = columns.reduce((a, b) => Math.min(a, b));
  return { top, bottom, left, right: columns.reduce((a, b) => Math.max(a, b)) + 1 };
}

// The box of a drawing as an image [height, width]: each pixel is the mean over the area that it covers.
function shrunk(drawing, side, { top, bottom, left, right }, height, width) {
  const rows = overlaps(bottom - top, height);
  const columns = overlaps(right - left, width);
  return rows.flatMap((row) => columns.map((column) => {
    let sum = 0;
    for (const [y, high] of row) for (const [x, wide] of column) sum += high * wide * drawing[(top + y) * side + left + x];
    return sum;
  }));
}

// For each of `count` equal parts of `length` pixels, the pixels that it covers and the share of it that each is.
function overlaps(length, count) {
  const step = length / count;
  return Array.from({ length: count }, (_, part) => {
    const [start, end] = [part * step, (part + 1) * step];
    const first = Math.floor(start);
    return Array.from({ length: Math.min(length, Math.ceil(end - 1e-9)) - first }, (_, i) =>
      [first + i, (Math.min(end, first + i + 1) - Math.max(start, first + i)) / step]);
  });
}

// An image [height, width] on a black one [28, 28], its centre of mass at pixel (14, 14); what would be outside is cut.
function centred(image, height, width) {
  const mass = image.reduce((sum, value) => sum + value, 0);
  const mean = (place) => image.reduce((sum, value, i) => sum + value * place(i), 0) / mass;
  const down = Math.round(SIDE / 2 - mean((i) => Math.floor(i / width)));
  const over = Math.round(SIDE / 2 - mean((i) => i % width));
  const digit = new Float32Array(SIDE * SIDE);
  image.forEach((value, i) => {
    const [y, x] = [Math.floor(i / width) + down, (i % width) + over];
    if (y >= 0 && y < SIDE && x >= 0 && x < SIDE) digit[y * SIDE + x] = value;
  });
  return digit;
}

// 1 where a digit is above half of its range, 0 elsewhere.
function binarised(digit) {
  return digit.map((value) => (value > 0.5 ? 1 : 0));
}

function clipped(image) {
  return image.map((value) => Math.min(1, Math.max(0, value)));
}

// The peak signal-to-noise ratio in dB, for a range of 1.
function psnr(image, reconstruction) {
  const squared = image.reduce((sum, value, i) => sum + (value - reconstruction[i]) ** 2, 0);
  return -10 * Math.log10(Math.max(squared / image.length, 1e-10));
}

// The blur of `reference`, one of `sigmas` or between two, that makes its mean squared frequency that of `image`
// (evaluation/metrics/blur.py).
function equivalentBlur(image, reference, sigmas) {
  const [power, ofReference] = [cosinePower(clipped(image)), cosinePower(clipped(reference))];
  const goal = meanSquaredFrequency(power, 0);
  const frequency = (i) => meanSquaredFrequency(ofReference, sigmas[i]);
  let [sharper, blurrier] = [0, sigmas.length - 1];
  if (goal >= frequency(sharper)) return sigmas[sharper];
  if (goal <= frequency(blurrier)) return sigmas[blurrier];
  while (blurrier - sharper > 1) {
    const middle = (sharper + blurrier) >> 1;
    if (frequency(middle) > goal) sharper = middle;
    else blurrier = middle;
  }
  const share = (frequency(sharper) - goal) / (frequency(sharper) - frequency(blurrier));
  return sigmas[sharper] + share * (sigmas[blurrier] - sigmas[sharper]);
}

// The mean ω², weighted by the power [28, 28] of the frequencies, after a Gaussian blur.
function meanSquaredFrequency(power, sigma) {
  let [total, weighted] = [0, 0];
  power.forEach((value, i) => {
    const squared = (Math.PI / SIDE) ** 2 * (Math.floor(i / SIDE) ** 2 + (i % SIDE) ** 2);
    const passed = value * Math.exp(-(sigma ** 2) * squared);
    total += passed;
    weighted += squared * passed;
  });
  return weighted / Math.max(total, 1e-6);
}

// The power of every frequency of the orthonormal cosine transform, 0 for the constant.
function cosinePower(image) {
  const power = transformed(transformed(Float64Array.from(image))).map((value) => value ** 2);
  power[0] = 0;
  return power;
}

// The cosine transform of each row of an image; the result is transposed, so that twice is both directions.
function transformed(image) {
  return image.map((_, place) => {
    const [frequency, row] = [Math.floor(place / SIDE), place % SIDE];
    let sum = 0;
    for (let i = 0; i < SIDE; i++) sum += image[row * SIDE + i] * Math.cos((Math.PI / SIDE) * (i + 0.5) * frequency);
    return sum * Math.sqrt((frequency ? 2 : 1) / SIDE);
  });
}
