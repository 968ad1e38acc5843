// PNG and JPEG files as input tensors: decoded, brought to the input's size, channels and layout, and normalized.
import { convertIndexedToRgb, decode as decodePng, hasPngSignature } from "fast-png";
import jpeg from "jpeg-js";
import { LanewiseError } from "../errors.ts";
import { arrayOf, type DataType, sizeOf } from "../graph/types.ts";
import { Tensor, type TensorInfo } from "../index.ts";

/** An input value is (pixel · scale − mean) / std, with mean and std for all channels or one for each. */
export interface ImageOptions {
  readonly scale?: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly layout?: "nhwc" | "nchw";
  readonly bgr?: boolean;
}

/** Pixels row by row, channels together, 0 to 255. */
interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

export const isImage = (bytes: Uint8Array): boolean => hasPngSignature(bytes) || isJpeg(bytes);
const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;

/** The picture in a file as the tensor that an input takes. Throws `input`. */
export function readImage(bytes: Uint8Array, info: TensorInfo, options: ImageOptions): Tensor {
  const image = decodeImage(bytes);
  const { shape, layout } = placeImage(info.shape, image, options.layout);
  const [height, width, channels] = layout.map((axis) => (axis < 0 ? 1 : shape[axis]!)) as [number, number, number];
  const pixels = resize(withChannels(image, channels), width, height);
  const normalize = normalizer(info.dataType, options);
  const data = arrayOf(info.dataType, sizeOf(shape)) as Float32Array;
  const strides = layout.map((axis) => (axis < 0 ? 0 : sizeOf(shape.slice(axis + 1))));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        const from = options.bgr && channels >= 3 && c < 3 ? 2 - c : c;
        data[y * strides[0]! + x * strides[1]! + c * strides[2]!] = normalize(pixels[(y * width + x) * channels + from]!, c);
      }
  return new Tensor(info.dataType, shape, data);
}

function decodeImage(bytes: Uint8Array): Image {
  try {
    if (isJpeg(bytes)) return { ...jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false }), channels: 3 };
    const png = decodePng(bytes);
    const { width, height } = png;
    if (png.palette) return { width, height, channels: 3, data: convertIndexedToRgb(png).subarray(0, width * height * 3) };
    const most = 2 ** png.depth - 1;
    const samples = png.depth < 8 ? unpack(png.data, width, height, png.depth) : png.data;
    return { width, height, channels: png.channels, data: Float32Array.from(samples, (sample) => (sample * 255) / most) };
  } catch (cause) {
    throw new LanewiseError("input", `the picture cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** Samples of 1, 2 or 4 bits; each row begins at a byte. */
function unpack(data: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * rowBytes + (bit >> 3)]!;
    return (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  });
}

/** The input's shape with open dimensions decided, and the axes of height, width and channels (−1: none). */
function placeImage(
  shape: readonly (number | null)[],
  image: Image,
  wanted: ImageOptions["layout"],
): { shape: number[]; layout: number[] } {
  const rank = shape.length;
  const isChannels = (dim: number | null | undefined) => dim === 1 || dim === 3 || dim === 4;
  const last = rank >= 3 && (wanted ? wanted === "nhwc" : isChannels(shape[rank - 1]) || !isChannels(shape[rank - 3]));
  const layout = last ? [rank - 3, rank - 2, rank - 1] : [rank - 2, rank - 1, rank >= 3 ? rank - 3 : -1];
  const own = [image.height, image.width, image.channels >= 3 ? 3 : 1];
  const sized = shape.map((dim, axis) => dim ?? own[layout.indexOf(axis)] ?? 1);
  const channels = layout[2]! < 0 ? 1 : sized[layout[2]!]!;
  const rest = sized.filter((_, axis) => !layout.includes(axis));
  if (rank < 2 || !isChannels(channels) || rest.some((dim) => dim !== 1)) {
    throw new LanewiseError("input", `a picture does not fit an input of shape [${shape.map((dim) => dim ?? "?")}]`);
  }
  return { shape: sized, layout };
}

/** Grey from RGB by Rec. 601, RGB from grey, with opaque alpha where a fourth channel is wanted. */
function withChannels({ width, height, channels, data }: Image, wanted: number): Image {
  const color = channels >= 3;
  const at = (pixel: number, c: number) =>
    c === 3 ? (channels === 4 ? data[pixel * 4 + 3]! : 255) : data[pixel * channels + (color ? c : 0)]!;
  const grey = (pixel: number) => (color ? 0.299 * at(pixel, 0) + 0.587 * at(pixel, 1) + 0.114 * at(pixel, 2) : at(pixel, 0));
  const value = (pixel: number, c: number) => (wanted === 1 ? grey(pixel) : at(pixel, c));
  const length = width * height * wanted;
  return { width, height, channels: wanted, data: Float32Array.from({ length }, (_, i) => value(Math.floor(i / wanted), i % wanted)) };
}

/** Bilinear, pixel centres at half; where the picture shrinks, every source pixel counts. */
function resize(image: Image, width: number, height: number): ArrayLike<number> {
  const { channels } = image;
  if (image.width === width && image.height === height) return image.data;
  const across = resample(image.data, image.height, image.width, width, channels);
  return resample(across, 1, image.height, height, width * channels);
}

/** Brings the middle axis of [outer, from, inner] to another length with a triangle filter. */
function resample(data: ArrayLike<number>, outer: number, from: number, to: number, inner: number): Float32Array {
  const result = new Float32Array(outer * to * inner);
  const ratio = from / to;
  const support = Math.max(1, ratio);
  for (let t = 0; t < to; t++) {
    const centre = (t + 0.5) * ratio - 0.5;
    const first = Math.max(0, Math.ceil(centre - support));
    const last = Math.min(from - 1, Math.floor(centre + support));
    const weights = Array.from({ length: last - first + 1 }, (_, i) => Math.max(0, 1 - Math.abs(first + i - centre) / support));
    const sum = weights.reduce((a, b) => a + b, 0);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        let value = 0;
        for (let w = 0; w < weights.length; w++) value += weights[w]! * data[(o * from + first + w) * inner + i]!;
        result[(o * to + t) * inner + i] = value / sum;
      }
  }
  return result;
}

/** Without options floats are 0 to 1, uint8 are the pixels, and int8 the pixels less 128. */
function normalizer(dataType: DataType, { scale, mean, std }: ImageOptions): (pixel: number, channel: number) => number {
  const isFloat = dataType === "float32" || dataType === "float64";
  if (!isFloat && dataType !== "uint8" && dataType !== "int8") throw new LanewiseError("input", `a picture cannot become ${dataType}`);
  const plain = scale === undefined && !mean && !std;
  const factor = scale ?? (isFloat ? 1 / 255 : 1);
  const shift = mean ?? [plain && dataType === "int8" ? 128 : 0];
  const divisor = std ?? [1];
  const [least, most] = dataType === "int8" ? [-128, 127] : [0, 255];
  const of = (list: readonly number[], channel: number) => list[Math.min(channel, list.length - 1)]!;
  return (pixel, channel) => {
    const value = (pixel * factor - of(shift, channel)) / of(divisor, channel);
    return isFloat ? value : Math.min(most, Math.max(least, Math.round(value)));
  };
}
