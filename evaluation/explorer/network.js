// Runs the encoders and decoders. An image is {shape: [height, width, channels], values: Float32Array}.
// The steps are those that layers.py writes; their weights are unpacked once, by `unpacked`.

// The base64 text of float32 values as a Float32Array.
function floats(text) {
  return new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

function unpacked(steps) {
  const isPacked = (key) => ["kernel", "bias", "factor", "offset"].includes(key);
  return steps.map((step) =>
    Object.fromEntries(Object.entries(step).map(([key, value]) => [key, isPacked(key) ? floats(value) : value])));
}

// What a network, a list of unpacked steps, makes of values in the shape of its first step.
function run(network, shape, values) {
  return network.reduce((image, step) => STEPS[step.step](image, step), { shape, values });
}

const STEPS = {
  reshape: (image, { shape }) => ({ shape, values: image.values }),
  convolve: (image, step) => slide(image, step, false),
  spread: (image, step) => slide(image, step, true),
  scale: (image, { factor, offset }) =>
    mapped(image, (value, i) => value * factor[i % factor.length] + offset[i % factor.length]),
  relu: (image, { slope = 0 }) => mapped(image, (value) => (value > 0 ? value : slope * value)),
  sigmoid: (image) => mapped(image, (value) => 1 / (1 + Math.exp(-value))),
  tanh: (image) => mapped(image, Math.tanh),
};

function mapped({ shape, values }, change) {
  return { shape, values: values.map(change) };
}

// A convolution: each pixel of the small image is a weighted sum of a window of the large one. A transposed one
// (`isSpread`) takes the same pairs of pixels the other way: each pixel of the small image is spread over a window.
function slide(image, { shape, kernel, size, bias, stride, before }, isSpread) {
  const [small, large] = isSpread ? [image.shape, shape] : [shape, image.shape];
  const values = new Float32Array(shape[0] * shape[1] * shape[2]);
  for (let i = 0; i < values.length; i++) values[i] = bias[i % bias.length];
  const [height, width, channels, filters] = size;
  for (let tap = 0; tap < height * width; tap++) {
    const weights = kernel.subarray(tap * channels * filters, (tap + 1) * channels * filters);
    for (let row = 0; row < small[0]; row++) {
      const y = row * stride + Math.floor(tap / width) - before;
      if (y < 0 || y >= large[0]) continue;
      for (let column = 0; column < small[1]; column++) {
        const x = column * stride + (tap % width) - before;
        if (x < 0 || x >= large[1]) continue;
        const [inSmall, inLarge] = [row * small[1] + column, y * large[1] + x];
        const [from, to] = isSpread ? [inSmall, inLarge] : [inLarge, inSmall];
        addProduct(image.values, from * channels, channels, weights, values, to * filters, filters);
      }
    }
  }
  return { shape, values };
}

// Adds to a pixel of the output the product of a pixel of the input and the weights [channels, filters].
function addProduct(input, from, channels, weights, output, to, filters) {
  for (let channel = 0; channel < channels; channel++) {
    const value = input[from + channel];
    if (value === 0) continue; // after a ReLU half of them are
    const start = channel * filters;
    for (let filter = 0; filter < filters; filter++) output[to + filter] += value * weights[start + filter];
  }
}

// What a model, with unpacked networks, decodes where the latents in `position` are: by rank, the others 0.
function decoded({ decoder, latents, latentDim }, position) {
  const z = new Float32Array(latentDim);
  latents.forEach((latent, rank) => (z[latent] = position[rank]));
  return run(decoder, [1, 1, latentDim], z).values;
}

// The mean of the posterior of an image [28, 28].
function encoded({ encoder, latentDim }, image) {
  return run(encoder, [28, 28, 1], image).values.subarray(0, latentDim);
}

// What a model makes of an image, from the mean of its posterior.
function reconstructed(model, image) {
  return run(model.decoder, [1, 1, model.latentDim], encoded(model, image)).values;
}
